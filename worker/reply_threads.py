"""Threads that answer replies and that no bell started: helper jobs, and waking up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock, Thread, current_thread

log = logging.getLogger(__name__)


class ReplyThreads:
    """Running threads. Any thread may start another one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: set[Thread] = set()

    def start(self, answer: Callable[[], None]) -> None:
        """Call ``answer`` in a new thread."""
        thread = Thread(target=self._guarded, args=[answer], daemon=True)
        with self._lock:
            self._running.add(thread)
        thread.start()

    def join(self) -> None:
        """Wait for the end of all threads that run now."""
        with self._lock:
            running = [*self._running]
        for thread in running:
            thread.join()

    def _guarded(self, answer: Callable[[], None]) -> None:
        try:
            answer()
        except BaseException:
            log.exception("a reply could not be answered")
        finally:
            with self._lock:
                self._running.discard(current_thread())
