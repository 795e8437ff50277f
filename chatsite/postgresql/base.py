"""PostgreSQL whose locks are waited for up to ``DATABASE_WAIT_SECONDS``, and not by all
threads at once.

PostgreSQL itself waits without an end. A plain read waits for no writer.
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

#: Statements that may wait for a lock of a row, or for one by name.
LOCKING = re.compile(
    r"\s*(?:INSERT|UPDATE|DELETE)\b"
    r"|.*\b(?:FOR (?:NO KEY )?UPDATE|pg_advisory_xact_lock)\b",
    re.DOTALL,
)


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._patience: float | None = None
        self.execute_wrappers.append(self._limited)

    def get_connection_params(self) -> dict[str, Any]:
        """Raises ``ImproperlyConfigured`` for an option that no connection takes."""
        known = {one.keyword.decode() for one in pq.Conninfo.get_defaults()}
        if not set(self.settings_dict["OPTIONS"]) <= known.union(DJANGO):
            raise ImproperlyConfigured(
                "DATABASE_URL must have no options after ? but those of libpq."
            )
        params: dict[str, Any] = super().get_connection_params()
        return params

    @contextmanager
    def brief_transaction(self, seconds: float) -> Iterator[None]:
        """A transaction that waits no longer than this for a lock; raises
        ``OperationalError`` then."""
        before, self._patience = self._patience, seconds
        try:
            with transaction.atomic(self.alias):
                # PostgreSQL forgets it at the end of the transaction.
                self._wait_for_locks(seconds, "LOCAL")
                yield
        finally:
            self._patience = before

    def init_connection_state(self) -> None:
        super().init_connection_state()
        self._wait_for_locks(settings.DATABASE_WAIT_SECONDS)

    def _limited(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, more: Any
    ) -> Any:
        """Execute a statement, when there is room for one more that waits."""
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
        """A transaction that failed takes no command; its end restores by itself."""
        with suppress(DatabaseError):
            self._wait_for_locks(seconds)

    def _wait_for_locks(self, seconds: float, scope: str = "SESSION") -> None:
        with self.cursor() as cursor:
            cursor.execute(f"SET {scope} lock_timeout = {round(1000 * seconds)}")
