"""Bounds how many threads of a process wait for a database that lets none write.

While another process holds the database (a backup, an import), every thread that has to
write waits. Without a bound all threads of the web server would, and none would be left
for pages and polls, which only read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from django.db import OperationalError

#: Writers that wait longer than this are taken to wait for another process.
SOON_SECONDS = 2.0


class WriterLimit:
    """The threads of one process that wait until they may write.

    In a rush all may wait a moment, since each waits only for those before it. Once one
    of them waited for ``SOON_SECONDS`` in vain, there are at most ``most``.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        #: When each began to wait, the first one first.
        self._since: dict[object, float] = {}
        self._is_blocked = False

    @contextmanager
    def waiting(self, seconds: float, most: int) -> Iterator[float]:
        """Within, this thread waits, for as many seconds as it is given.

        Raises ``OperationalError`` where as many wait in vain as may.
        """
        if seconds < SOON_SECONDS:  # takes no thread from others for long
            yield seconds
            return
        place = object()
        is_further = self._enter(place, most)
        try:
            yield SOON_SECONDS if is_further else seconds
        except OperationalError:
            self._is_blocked = True
            raise
        else:
            self._is_blocked = False
        finally:
            with self._lock:
                del self._since[place]

    def _enter(self, place: object, most: int) -> bool:
        """Whether more wait already than may wait for long."""
        now = time.monotonic()
        with self._lock:
            is_further = len(self._since) >= most
            if is_further and (self._is_blocked or self._longest(now) > SOON_SECONDS):
                raise OperationalError("database is locked, and enough wait for it")
            self._since[place] = now
        return is_further

    def _longest(self, now: float) -> float:
        return now - next(iter(self._since.values()))


#: That of this process.
writer_limit = WriterLimit()
