"""Writes that a page can do without, so that reading never waits for a writer.

While another process locks the database (a backup, an import), pages show what can be
read, and the keeper writes later.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from django.db import InterfaceError, OperationalError, connection

if TYPE_CHECKING:
    from chatsite.postgresql.base import DatabaseWrapper as PostgresqlWrapper
    from chatsite.sqlite.base import DatabaseWrapper as SqliteWrapper

#: Seconds that an optional write waits for another writer.
LOCK_TIMEOUT_SECONDS = 0.1


class NotWritten(Exception):
    """The database is locked, full or read-only: nothing was written."""


def wait_until_durable() -> None:
    """Return once everything read so far is on the disk, whichever process wrote it.

    PostgreSQL shows no row before that.
    """
    if connection.vendor == "sqlite":
        cast("SqliteWrapper", connection).wait_for_sync()


@contextmanager
def optional_write() -> Iterator[None]:
    """A transaction that gives up soon if another process is writing.

    Raises ``NotWritten``.
    """
    backend = cast("SqliteWrapper | PostgresqlWrapper", connection)
    try:
        with backend.brief_transaction(LOCK_TIMEOUT_SECONDS):
            yield
    except (InterfaceError, OperationalError) as error:
        raise NotWritten from error
