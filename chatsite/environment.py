"""Reads the environment, literally; a bad value names its variable.

``$``, ``%`` and ``#`` in a value mean nothing here. Only a URL is parsed as one.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from chatsite import (
    database_url,
    hosts,
    mail_url,
    redis_url,
    scheme_header,
    url_prefix,
)
from chatsite.server_url import BadUrl, shown

SECRET_CHARACTERS_MIN = 32
SECRETS_MAX = 20
#: More than anybody asks for; whoever wants more wants no limit.
LIMIT_MAX = 1_000_000_000
#: A hundred years. Beyond some such time, dates overflow.
SECONDS_MAX = 3_153_600_000
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
TRUE = ("true", "on", "ok", "y", "yes", "1")
FALSE = ("false", "off", "n", "no", "0")


@dataclass(frozen=True, slots=True)
class Proxies:
    """Whose word on the address of a request is taken."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    is_unix_trusted: bool = False


class Environment:
    """Typed look-ups with bounds. An empty variable counts as unset.

    Every method raises ``ImproperlyConfigured`` with one line that names the
    variable, what was expected and what stood there.
    """

    def text(self, name: str, default: str) -> str:
        """White space around a value does not belong to it."""
        return self._raw(name).strip() or default

    def _raw(self, name: str) -> str:
        """What stands there, letter by letter; empty where the variable is unset."""
        raw = os.environb.get(name.encode(), b"")
        try:
            value = raw.decode()
        except UnicodeDecodeError:
            raise ImproperlyConfigured(f"{name} must be text in UTF-8.") from None
        if CONTROL.search(value.strip()):
            raise ImproperlyConfigured(
                f"{name} must be one line without control characters."
            )
        return value

    def path(self, name: str, default: Path) -> Path:
        """A path; a relative one is taken from the current directory."""
        raw = self._raw(name)
        if not raw:
            return default
        if not raw.strip() or CONTROL.search(raw):
            raise _refusal(name, "a path", raw)
        try:
            # As the file system spells it, which need not be UTF-8 here.
            return Path(os.environ[name]).expanduser().absolute()
        except (RuntimeError, OSError):
            raise _refusal(name, "a path", raw) from None

    def folder(self, name: str, default: Path) -> Path:
        """A folder that can be written to. It is made, closed to other people."""
        path = self.path(name, default)
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise unusable(name, path, error.strerror) from None
        if not os.access(path, os.W_OK | os.X_OK):
            raise unusable(name, path, "Permission denied")
        return path

    def file(self, name: str) -> Path | None:
        """A file that can be read; None where the variable is unset."""
        if not self.text(name, ""):
            return None
        path = self.path(name, Path())
        try:
            with path.open("rb"):
                return path
        except OSError:
            raise _refusal(name, "a file that can be read", str(path)) from None

    def integer(
        self, name: str, default: int, *, minimum: int, maximum: int = LIMIT_MAX
    ) -> int:
        """A whole number in the digits 0 to 9."""
        raw = self.text(name, str(default))
        expected = f"a whole number from {minimum} to {maximum}"
        if not re.fullmatch(r"[+-]?[0-9]{1,20}", raw):
            raise _refusal(name, expected, raw)
        if not minimum <= int(raw) <= maximum:
            raise _refusal(name, expected, raw)
        return int(raw)

    def limit(self, name: str, default: int) -> int | None:
        """A whole number from 1 up; None, for no limit, where it is ``off`` or 0."""
        raw = self.text(name, str(default)).lower()
        if raw in ("off", "0"):
            return None
        expected = f"a whole number from 1 to {LIMIT_MAX}, or off"
        if not (raw.isascii() and raw.isdigit() and len(raw) <= len(str(LIMIT_MAX))):
            raise _refusal(name, expected, raw)
        if not 1 <= int(raw) <= LIMIT_MAX:
            raise _refusal(name, expected, raw)
        return int(raw)

    def number(
        self,
        name: str,
        default: float,
        *,
        minimum: float,
        maximum: float = SECONDS_MAX,
    ) -> float:
        """A number such as ``10``, ``0.25`` or ``1e3``."""
        raw = self.text(name, str(default))
        expected = f"a number from {minimum:g} to {maximum:.10g}"
        if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", raw):
            raise _refusal(name, expected, raw)
        if not minimum <= float(raw) <= maximum:
            raise _refusal(name, expected, raw)
        return float(raw)

    def flag(self, name: str, default: bool) -> bool:
        raw = self.text(name, "on" if default else "off").lower()
        if raw in TRUE:
            return True
        if raw in FALSE:
            return False
        raise _refusal(name, "on or off", raw)

    def device(self, name: str, default: str) -> str:
        """A device of torch, or ``auto``."""
        raw = self.text(name, default).lower()
        if not re.fullmatch(r"auto|cpu|mps|(cuda|xpu)(:(0|[1-9][0-9]?))?", raw):
            raise _refusal(name, "auto, cpu, cuda, cuda:1 or mps", raw)
        return raw

    def one_of(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """One of some words, in small letters."""
        raw = self.text(name, default).lower()
        if raw not in choices:
            raise _refusal(name, "one of " + ", ".join(choices), raw)
        return raw

    def origins(self, name: str) -> list[str]:
        """Origins such as ``https://chat.example.org``, separated by commas."""
        words = self.words(name, [])
        expected = "origins like https://chat.example.org or https://*.example.org"
        try:
            return [hosts.origin(word) for word in words]
        except ValueError:
            raise _refusal(
                name, f"{expected}, without a path", ",".join(words)
            ) from None

    def scheme_header(self, name: str, default: str) -> str:
        """The header in which a proxy says ``https``, as WSGI spells it."""
        raw = self.text(name, default)
        try:
            return scheme_header.parse(raw)
        except ValueError as bad:
            raise _refusal(name, str(bad), raw) from None

    def prefix(self, *names: str) -> str:
        """The path under which a site stands, such as ``/chat``; empty for the root.

        The first of these variables that is set counts; no other is looked at.
        """
        name = next((one for one in names if self.text(one, "")), names[0])
        raw = self.text(name, "")
        try:
            return url_prefix.parse(raw)
        except ValueError as bad:
            raise _refusal(name, str(bad), raw) from None

    def cookie_suffix(self, name: str) -> str:
        """The end of the names of cookies; empty where none is set."""
        raw = self.text(name, "")
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,32}", raw):
            raise _refusal(name, "up to 32 letters, digits, - or _", raw)
        return raw

    def secrets(self, name: str) -> list[str]:
        """Secrets separated by commas, none of them short enough to be guessed.

        A secret may hold commas itself, and nothing tells these from the others. So
        what stands between any two of them counts, where it is long enough.
        """
        raw = self.text(name, "")
        if not raw:
            return []
        refuse_short(name, raw)
        parts = raw.split(",")
        if len(parts) > SECRETS_MAX:
            raise ImproperlyConfigured(f"{name} must hold {SECRETS_MAX} keys at most.")
        spans = combinations(range(len(parts) + 1), 2)
        shortest_first = sorted(spans, key=lambda span: span[1] - span[0])
        joined = [",".join(parts[start:end]).strip() for start, end in shortest_first]
        return [one for one in joined if len(one) >= SECRET_CHARACTERS_MIN]

    def site(self, name: str, prefix: str = "") -> str:
        """The origin of an address such as ``https://chat.example.org``, whose path is
        nothing but ``prefix``."""
        raw = self.text(name, "").rstrip("/")
        if not raw:
            return ""
        expected = "an address like https://chat.example.org (URL_PREFIX is its path)"
        try:
            found = hosts.origin(raw.removesuffix(prefix))
        except ValueError:
            found = ""
        if not found or "*" in found:
            told = raw if "@" not in raw else "one with a name or password"
            raise _refusal(name, expected, told)
        return found

    def mail(self, name: str) -> dict[str, object]:
        """Django's settings of the server that takes mail; without one, none leaves."""
        raw = self.text(name, "")
        try:
            return mail_url.parse(raw)
        except BadUrl as bad:
            raise _bad_url(name, mail_url.EXAMPLE, bad) from None

    def sender(self, name: str, default: str) -> str:
        """An address of mail, with or without a name before it."""
        raw = self.text(name, default)
        if not mail_url.is_sender(raw):
            raise _refusal(name, "an address like Chat <chat@example.org>", raw)
        return raw

    def bind(self, name: str, default: str) -> str:
        """An address or a name to listen on."""
        raw = self.text(name, default)
        try:
            return hosts.bind_address(raw)
        except ValueError:
            raise _refusal(name, "an address like 127.0.0.1 or ::1", raw) from None

    def hosts(self, name: str, default: list[str]) -> list[str]:
        """Names of hosts, as Django compares them."""
        if not (words := self.words(name, [])):
            if self.text(name, ""):
                raise _refusal(name, "names of hosts", self.text(name, ""))
            return default
        try:
            return [hosts.allowed_host(word) for word in words]
        except ValueError:
            expected = "names like chat.example.org, .example.org, [::1] or *"
            raise _refusal(name, expected, ",".join(words)) from None

    def proxies(self, name: str, default: list[str]) -> Proxies:
        """Networks such as ``10.0.0.0/8``, addresses, ``unix`` for a socket file."""
        words = self.words(name, default)
        expected = "addresses or networks like 10.0.0.0/8, or unix"
        try:
            networks = tuple(ip_network(w) for w in words if w != "unix")
        except ValueError:
            raise _refusal(name, expected, ",".join(words)) from None
        return Proxies(networks, is_unix_trusted="unix" in words)

    def words(self, name: str, default: list[str]) -> list[str]:
        """Words separated by commas."""
        raw = self.text(name, ",".join(default))
        return [word.strip() for word in raw.split(",") if word.strip()]

    def redis_url(self, name: str, default: str) -> str:
        raw = self.text(name, default)
        try:
            redis_url.parse(raw)
        except BadUrl as bad:
            raise _bad_url(name, "redis://host:6379/0", bad) from None
        return raw

    def passwords(self, *names: str) -> set[str]:
        """The passwords in these URLs, as they stand there and as they are meant."""
        found = {urlsplit(self.text(name, "")).password or "" for name in names}
        forms = {
            f for one in found for f in (one, unquote(one), quote(unquote(one), ""))
        }
        return forms - {""}

    def database(self, name: str, default: Path) -> dict[str, object]:
        """Connection settings for Django: of a database URL, else of a file."""
        if not (raw := self.text(name, "")):
            return database_url.sqlite_at(default)
        try:
            return database_url.parse(raw)
        except BadUrl as bad:
            expected = "postgres://user:password@host/name or sqlite:////path"
            raise _bad_url(name, expected, bad) from None


def unusable(name: str, path: Path, reason: str | None) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"{name} must be a folder that can be written to, not {shown(str(path))!r}: "
        f"{reason}."
    )


def _refusal(name: str, expected: str, found: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} must be {expected}, not {shown(found)!r}.")


def _bad_url(name: str, example: str, bad: BadUrl) -> ImproperlyConfigured:
    """No part of the URL is repeated: any may be a piece of its password."""
    return ImproperlyConfigured(f"{name} must be a URL like {example}: {bad}.")


def refuse_short(name: str, secret: str) -> None:
    """Raises ``ImproperlyConfigured``, and does not repeat what stood there."""
    if len(secret) < SECRET_CHARACTERS_MIN:
        raise ImproperlyConfigured(
            f"{name} must be at least {SECRET_CHARACTERS_MIN} random characters long; "
            "`openssl rand -hex 32` makes such a one."
        )
