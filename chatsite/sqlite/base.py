"""SQLite with a queue for the writers of one process.

SQLite itself has no queue: a connection that finds the database locked sleeps, up to
100 ms at a time, and tries again. When twenty threads write, most of them sleep while
none writes. Between processes this stays so, apart from ``WriterLimit``.

A write is on the disk before it returns. The writers of one process share syncs, which
they wait for after the next writer has got its turn.

Every connection has the function ``chat_words(text)``, with which triggers keep the
search index. SQLite refuses a writer without it, so the index never lags behind.
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
#: SQLite waits in steps of this length for another process.
STEP_SECONDS = 0.1
#: The cache of a connection. Each thread has a connection, and a commit of another one
#: empties its cache: SQLite's default of 2 MB fills memory and saves no time.
CACHE_KIBIBYTES = 512
WRITE = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|REPLACE)\b")


def add_functions(connection: Any) -> None:
    """Give a connection of ``sqlite3`` the functions that triggers call."""
    connection.create_function("chat_words", 1, index_words, deterministic=True)


def _is_busy(error: OperationalError) -> bool:
    """Whether another process holds the database."""
    name = getattr(error.__cause__, "sqlite_errorname", "")
    return str(name).startswith("SQLITE_BUSY")


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose writes take turns with those of other threads.

    A transaction begins as ``IMMEDIATE``, so it is a writer from its start. A write
    outside of a transaction takes a turn as well.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._has_turn = False
        #: Whether this class, and not SQLite, syncs the log after the current write.
        self._is_sync_shared = False
        self._can_share_sync = False
        self._patience: float | None = None
        self.execute_wrappers.append(self._execute_in_turn)

    @contextmanager
    def brief_transaction(self, seconds: float) -> Iterator[None]:
        """Begin a transaction that waits at most so many seconds for other writers.

        Raises ``OperationalError`` when the time is up.
        """
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
        """Set how long SQLite itself waits for other processes."""
        self.ensure_connection()
        self.connection.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open a connection with the functions of triggers."""
        connection = super().get_new_connection(conn_params)
        add_functions(connection)
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        self._is_sync_shared = False
        # With other journals, and on other systems, SQLite syncs differently.
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
        """Call ``act``, which locks the database, when this thread has its turn.

        The thread keeps the turn unless ``act`` raises. Raises ``OperationalError``
        when the time is up.
        """
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
        """Pass the turn on, then wait for the sync. Raises ``OperationalError``."""
        is_sync_shared = self._is_sync_shared
        self._sync_alone()
        self._pass_turn()
        if is_sync_shared:
            self.wait_for_sync()

    def wait_for_sync(self) -> None:
        """Return when all commits are on the disk, also those of other threads.

        A commit can be read before it is on the disk. Raises ``OperationalError``.
        """
        if not self._can_share_sync:
            return
        try:
            shared_sync(str(self.settings_dict["NAME"])).wait()
        except OSError as error:
            raise OperationalError(f"cannot sync the log: {error}") from error

    def _share_sync(self) -> None:
        """Keep SQLite from syncing at the end of this write."""
        self.ensure_connection()
        if self._can_share_sync:
            self.connection.execute("PRAGMA synchronous = NORMAL")
            self._is_sync_shared = True

    def _sync_alone(self) -> None:
        """Let SQLite sync again at the end of a write."""
        if self._is_sync_shared:
            self._is_sync_shared = False
            self.connection.execute("PRAGMA synchronous = FULL")

    def _try_until(self, end: float, act: Callable[[], Any]) -> Any:
        """Call ``act`` until the database is free, or the time is up.

        SQLite waits in short steps. While it waits it locks the connection, so another
        thread in which Python frees a cursor of this connection has to wait as well.
        """
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
        """Pass the turn on at the end of a transaction, after commit or rollback."""
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
