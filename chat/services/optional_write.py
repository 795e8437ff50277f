"""Writes that a page can do without: reading never waits for a writer.

While another process holds the database (a backup, an import), pages are answered from
what can be read, and the keeper does the write later.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from django.db import InterfaceError, OperationalError, connection, transaction

if TYPE_CHECKING:
    from chatsite.sqlite.base import DatabaseWrapper

#: An optional write waits this long for another writer.
PATIENCE_SECONDS = 0.1


class NotWritten(Exception):
    """The database is locked, full or read-only: nothing was written."""


@contextmanager
def optional_write() -> Iterator[None]:
    """A transaction that gives up soon instead of waiting for another writer.

    Raises ``NotWritten``.
    """
    try:
        if connection.vendor == "sqlite":
            sqlite = cast("DatabaseWrapper", connection)
            with sqlite.waiting_at_most(PATIENCE_SECONDS), transaction.atomic():
                yield
        else:
            with transaction.atomic():
                _limit_lock_waits()
                yield
    except (InterfaceError, OperationalError) as error:
        raise NotWritten from error


def _limit_lock_waits() -> None:
    """PostgreSQL forgets it at the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {round(1000 * PATIENCE_SECONDS)}")
