"""SQLite whose transactions in one process wait for each other in a line.

SQLite itself has no line: whoever finds the database locked sleeps, up to 100 ms at a
time, and tries again. When twenty threads write, most of them sleep while nobody
writes. Between processes it stays as it is.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

_turn = Lock()


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection. A transaction begins as ``IMMEDIATE``, hence as a writer's."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._has_turn = False

    def _start_transaction_under_autocommit(self) -> None:
        timeout = self.settings_dict["OPTIONS"]["timeout"]
        if not _turn.acquire(timeout=timeout):
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
