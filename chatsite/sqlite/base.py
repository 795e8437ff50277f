"""SQLite whose transactions in one process wait for each other in a line.

SQLite itself has no line: whoever finds the database locked sleeps, up to 100 ms at a
time, and tries again. When twenty threads write, most of them sleep while nobody
writes. Between processes it stays as it is, but for ``WriterLimit``.

A write is on the disk before it returns. Writers of one process share the syncs, after
they have passed the turn on.

Every connection knows ``chat_words(text)``, by which triggers keep the search index: a
writer that does not know it is refused, and cannot leave the index behind the texts.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.backends.sqlite3 import base

from chatsite.search.tokens import index_words
from chatsite.sqlite.shared_sync import shared_sync
from chatsite.writer_limit import writer_limit

_turn = Lock()
#: SQLite itself waits this long for another process, again and again.
STEP_SECONDS = 0.1
WRITE = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|REPLACE)\b")


def add_functions(connection: Any) -> None:
    """Have a connection of ``sqlite3`` know the functions that triggers call."""
    connection.create_function("chat_words", 1, index_words, deterministic=True)


def _is_busy(error: OperationalError) -> bool:
    """Whether another process holds the database."""
    name = getattr(error.__cause__, "sqlite_errorname", "")
    return str(name).startswith("SQLITE_BUSY")


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection. A transaction begins as ``IMMEDIATE``, hence as a writer's; a write
    outside of one takes its turn alike."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._has_turn = False
        #: Whether the log is synced here, not by SQLite, for the write at hand.
        self._is_sync_shared = False
        self._can_share_sync = False
        self._patience: float | None = None
        self.execute_wrappers.append(self._execute_in_turn)

    @contextmanager
    def brief_transaction(self, seconds: float) -> Iterator[None]:
        """A transaction that waits no longer than this for other writers; raises
        ``OperationalError`` then."""
        before, self._patience = self._patience, seconds
        try:
            with transaction.atomic(self.alias):
                yield
        finally:
            self._patience = before

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
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        self._is_sync_shared = False
        # Elsewhere SQLite syncs in ways of its own.
        self._can_share_sync = mode == "wal" and sys.platform == "linux"
        return connection

    def _start_transaction_under_autocommit(self) -> None:
        self._write(super()._start_transaction_under_autocommit)  # type: ignore[misc]

    def _execute_in_turn(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, more: Any
    ) -> Any:
        if self._has_turn or not WRITE.match(sql) or not self.get_autocommit():
            return execute(sql, params, many, more)
        done = self._write(lambda: execute(sql, params, many, more))
        self._end_write()
        return done

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self._end_write()

    def _write(self, act: Callable[[], Any]) -> Any:
        """Do what locks the database once this thread has its turn, which it keeps
        unless that raises. Raises ``OperationalError`` where the time is up."""
        most = settings.WRITERS_WAITING_MAX
        with writer_limit.waiting(self._timeout, most) as seconds:
            end = time.monotonic() + seconds
            if not _turn.acquire(timeout=seconds):
                raise OperationalError("database is locked by this process")
            self._has_turn = True
            try:
                self._share_sync()
                return self._try_until(end, act)
            except BaseException:
                self._sync_alone()
                self._pass_turn()
                raise

    def _end_write(self) -> None:
        """Pass the turn on, then wait for the disk. Raises ``OperationalError``."""
        is_sync_shared = self._is_sync_shared
        self._sync_alone()
        self._pass_turn()
        if is_sync_shared:
            self.wait_for_sync()

    def wait_for_sync(self) -> None:
        """Return once all that was committed is on the disk, also by others: a commit
        can be read before it is. Raises ``OperationalError``."""
        if not self._can_share_sync:
            return
        try:
            shared_sync(str(self.settings_dict["NAME"])).wait()
        except OSError as error:
            raise OperationalError(f"cannot sync the log: {error}") from error

    def _share_sync(self) -> None:
        """Have SQLite not sync at the end of this write."""
        self.ensure_connection()
        if self._can_share_sync:
            self.connection.execute("PRAGMA synchronous = NORMAL")
            self._is_sync_shared = True

    def _sync_alone(self) -> None:
        """Have SQLite sync again, as at the end of a statement that returns rows."""
        if self._is_sync_shared:
            self._is_sync_shared = False
            self.connection.execute("PRAGMA synchronous = FULL")

    def _try_until(self, end: float, act: Callable[[], Any]) -> Any:
        """In steps: while SQLite waits it keeps the connection to itself, and so any
        other thread in which Python frees a cursor of this one would wait as well."""
        try:
            while True:
                left = max(0, end - time.monotonic())
                self._wait_in_sqlite(min(left, STEP_SECONDS))
                try:
                    return act()
                except OperationalError as error:
                    if left <= STEP_SECONDS or not _is_busy(error):
                        raise
        finally:
            self._wait_in_sqlite(float(self.settings_dict["OPTIONS"]["timeout"]))

    def _set_autocommit(self, autocommit: bool) -> None:
        """Django calls it at the end of a transaction, after commit or rollback."""
        try:
            super()._set_autocommit(autocommit)  # type: ignore[misc]
        finally:
            if autocommit:
                self._sync_alone()
                self._pass_turn()

    def _close(self) -> None:
        self._is_sync_shared = False
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._pass_turn()

    def _pass_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            _turn.release()
