"""Writes that a page can do without: reading never waits for a writer.

While another process holds the database (a backup, an import), pages are answered from
what can be read, and the keeper does the write later.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from django.db import InterfaceError, OperationalError, connection

if TYPE_CHECKING:
    from chatsite.postgresql.base import DatabaseWrapper as PostgresqlWrapper
    from chatsite.sqlite.base import DatabaseWrapper as SqliteWrapper

#: An optional write waits this long for another writer.
PATIENCE_SECONDS = 0.1


class NotWritten(Exception):
    """The database is locked, full or read-only: nothing was written."""


def wait_until_durable() -> None:
    """Return once what was read is on the disk, also if another process wrote it.

    PostgreSQL shows nothing before that.
    """
    if connection.vendor == "sqlite":
        cast("SqliteWrapper", connection).wait_for_sync()


@contextmanager
def optional_write() -> Iterator[None]:
    """A transaction that gives up soon instead of waiting for another writer.

    Raises ``NotWritten``.
    """
    backend = cast("SqliteWrapper | PostgresqlWrapper", connection)
    try:
        with backend.brief_transaction(PATIENCE_SECONDS):
            yield
    except (InterfaceError, OperationalError) as error:
        raise NotWritten from error
