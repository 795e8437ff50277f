"""SQLite whose transactions in one process wait for each other in a line.

SQLite itself has no line: whoever finds the database locked sleeps, up to 100 ms at a
time, and tries again. When twenty threads write, most of them sleep while nobody
writes. Between processes it stays as it is.

Every connection knows ``chat_words(text)``, by which triggers keep the search index: a
writer that does not know it is refused, and cannot leave the index behind the texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

from chatsite.search.tokens import index_words

_turn = Lock()


def add_functions(connection: Any) -> None:
    """Have a connection of ``sqlite3`` know the functions that triggers call."""
    connection.create_function("chat_words", 1, index_words, deterministic=True)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection. A transaction begins as ``IMMEDIATE``, hence as a writer's."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._has_turn = False
        self._patience: float | None = None

    @contextmanager
    def waiting_at_most(self, seconds: float) -> Iterator[None]:
        """Within, a transaction that cannot begin so soon raises ``OperationalError``
        instead of waiting for another writer as long as usual."""
        before, self._patience = self._patience, seconds
        self._wait_in_sqlite(seconds)
        try:
            yield
        finally:
            self._patience = before
            self._wait_in_sqlite(self._timeout)

    @property
    def _timeout(self) -> float:
        if self._patience is not None:
            return self._patience
        return float(self.settings_dict["OPTIONS"]["timeout"])

    def _wait_in_sqlite(self, seconds: float) -> None:
        """How long SQLite itself waits for other processes."""
        self.ensure_connection()
        self.connection.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        add_functions(connection)
        return connection

    def _start_transaction_under_autocommit(self) -> None:
        if not _turn.acquire(timeout=self._timeout):
            raise OperationalError("database is locked by this process")
        self._has_turn = True
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._pass_turn()
            raise

    def _set_autocommit(self, autocommit: bool) -> None:
        """Django calls it at the end of a transaction, after commit or rollback."""
        try:
            super()._set_autocommit(autocommit)  # type: ignore[misc]
        finally:
            if autocommit:
                self._pass_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._pass_turn()

    def _pass_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            _turn.release()
