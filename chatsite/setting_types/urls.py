"""URLs of servers. A refusal repeats no part: any may be a piece of a password."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatsite import database_url, mail_url, redis_url
from chatsite.server_url import BadUrl
from chatsite.setting_types.base import BadValue, Setting

EXAMPLE_OF_REDIS = "redis://host:6379/0"
EXAMPLE_OF_DATABASE = "postgres://user:password@host/name or sqlite:////path"


@dataclass(frozen=True)
class RedisUrl(Setting[str]):
    """The URL of a Redis or Valkey server."""

    values = f"a URL like {EXAMPLE_OF_REDIS}"

    def parse(self, raw: str) -> str:
        """Return the URL itself. Raises ``BadValue``."""
        try:
            redis_url.parse(raw)
        except BadUrl as bad:
            raise _bad_url(EXAMPLE_OF_REDIS, bad) from None
        return raw


@dataclass(frozen=True)
class DatabaseUrl(Setting[dict[str, Any]]):
    """The URL of a database, as connection settings of Django."""

    values = f"a URL like {EXAMPLE_OF_DATABASE}"

    def parse(self, raw: str) -> dict[str, Any]:
        """Return the connection settings. Raises ``BadValue``."""
        try:
            return database_url.parse(raw)
        except BadUrl as bad:
            raise _bad_url(EXAMPLE_OF_DATABASE, bad) from None

    def read_or_file(self, path: Path) -> dict[str, Any]:
        """Return the database of the URL, else an SQLite database at ``path``."""
        return self.read(default=database_url.sqlite_at(path))


@dataclass(frozen=True)
class MailUrl(Setting[dict[str, Any]]):
    """The URL of a mail server, as settings of Django."""

    values = f"a URL like {mail_url.EXAMPLE}"

    def parse(self, raw: str) -> dict[str, Any]:
        """Return the mail settings. Raises ``BadValue``."""
        try:
            return mail_url.parse(raw)
        except BadUrl as bad:
            raise _bad_url(mail_url.EXAMPLE, bad) from None


def _bad_url(example: str, bad: BadUrl) -> BadValue:
    return BadValue(f"must be a URL like {example}: {bad}.")
