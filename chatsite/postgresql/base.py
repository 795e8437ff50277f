"""PostgreSQL with a limit on the time and on the threads that wait for a lock.

PostgreSQL itself waits for a lock without end. A wait ends after
``DATABASE_WAIT_SECONDS``, and not all threads of a process may wait at once. A plain
read waits for no writer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, transaction
from django.db.backends.postgresql import base
from psycopg import pq

from chatsite.database_url import DJANGO
from chatsite.writer_limit import writer_limit

#: Statements that may wait for the lock of a row, or for an advisory lock.
LOCKING = re.compile(
    r"\s*(?:INSERT|UPDATE|DELETE)\b"
    r"|.*\b(?:FOR (?:NO KEY )?UPDATE|pg_advisory_xact_lock)\b",
    re.DOTALL,
)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that limits its waits for locks."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._patience: float | None = None
        self.execute_wrappers.append(self._limited)

    def get_connection_params(self) -> dict[str, Any]:
        """Return libpq's options. Raises ``ImproperlyConfigured`` for unknown ones."""
        known = {one.keyword.decode() for one in pq.Conninfo.get_defaults()}
        if not set(self.settings_dict["OPTIONS"]) <= known.union(DJANGO):
            raise ImproperlyConfigured(
                "DATABASE_URL must have no options after ? but those of libpq."
            )
        params: dict[str, Any] = super().get_connection_params()
        return params

    @contextmanager
    def brief_transaction(self, seconds: float) -> Iterator[None]:
        """Begin a transaction that waits at most so many seconds for each lock.

        Raises ``OperationalError`` when the time is up.
        """
        before, self._patience = self._patience, seconds
        try:
            with transaction.atomic(self.alias):
                # A LOCAL setting ends with the transaction.
                self._wait_for_locks(seconds, "LOCAL")
                yield
        finally:
            self._patience = before

    def init_connection_state(self) -> None:
        """Set the limit on waits for a new connection."""
        super().init_connection_state()
        self._wait_for_locks(settings.DATABASE_WAIT_SECONDS)

    def _limited(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, more: Any
    ) -> Any:
        """Execute a statement, if one more thread may wait for a lock."""
        if not LOCKING.match(sql):
            return execute(sql, params, many, more)
        whole = self._patience or settings.DATABASE_WAIT_SECONDS
        with writer_limit.waiting(whole, settings.WRITERS_WAITING_MAX) as seconds:
            if seconds == whole:
                return execute(sql, params, many, more)
            self._wait_for_locks(seconds)
            try:
                return execute(sql, params, many, more)
            finally:
                self._restore(whole)

    def _restore(self, seconds: float) -> None:
        """Restore the usual limit. In a failed transaction its rollback does that."""
        with suppress(DatabaseError):
            self._wait_for_locks(seconds)

    def _wait_for_locks(self, seconds: float, scope: str = "SESSION") -> None:
        with self.cursor() as cursor:
            cursor.execute(f"SET {scope} lock_timeout = {round(1000 * seconds)}")
