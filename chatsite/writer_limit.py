"""Limits how many threads of a process wait for a database that another one holds.

While another process holds the database (a backup, an import), every thread that has to
write waits. Without a limit all threads of the web server would wait, and none would be
left for pages and polls, which only read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from django.db import OperationalError

#: A writer that waits longer than this is assumed to wait for another process.
SOON_SECONDS = 2.0


class WriterLimit:
    """The threads of one process that wait until they can write.

    All of them may wait for a moment, since in a rush each waits only for those before
    it. Once one has waited ``SOON_SECONDS`` in vain, at most ``most`` may wait.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        #: When each thread began to wait, in this order.
        self._since: dict[object, float] = {}
        self._is_blocked = False

    @contextmanager
    def waiting(self, seconds: float, most: int) -> Iterator[float]:
        """Yield for how many seconds this thread may wait inside the block.

        Raises ``OperationalError`` if ``most`` threads already wait in vain.
        """
        if seconds < SOON_SECONDS:  # too short to matter
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
        """Note that a thread waits; whether ``most`` others already do."""
        now = time.monotonic()
        with self._lock:
            is_further = len(self._since) >= most
            if is_further and (self._is_blocked or self._longest(now) > SOON_SECONDS):
                raise OperationalError("database is locked, and enough wait for it")
            self._since[place] = now
        return is_further

    def _longest(self, now: float) -> float:
        return now - next(iter(self._since.values()))


#: The limit of this process.
writer_limit = WriterLimit()
