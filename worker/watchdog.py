"""Notices when this worker no longer receives bells or its engine makes no step.

Neither shows from outside: a process that answers every ping may have stopped consuming
its queue, or be stuck in a step. The detectors are pure; ``Watchdog`` acts on them.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread

from chatsite.mailbox import MailboxAway

log = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
#: The keeper rings again within two sweeps. A worker with free rows that receives no
#: bell for this long, while replies wait, is deaf.
DEAF_SECONDS = 10.0
#: The worker ends the third time in a row that it is deaf; before, it reconnects.
DEAF_LIMIT = 3
STALLED_EXIT_CODE = 71


class DeafnessDetector:
    """Measures how long replies have waited beside free rows without a bell."""

    def __init__(self, seconds: float = DEAF_SECONDS) -> None:
        """``seconds``: time without a bell after which the worker is deaf."""
        self._seconds = seconds
        self._since: float | None = None
        self._bells = -1

    def is_deaf(self, now: float, *, bells: int, waiting: int, free: int) -> bool:
        """Return True once for every such time span.

        ``bells`` counts those answered so far; ``waiting`` replies, ``free`` rows.
        """
        if bells != self._bells or not waiting or not free:
            self._bells, self._since = bells, None
            return False
        if self._since is None:
            self._since = now
        if now - self._since < self._seconds:
            return False
        self._since = None
        return True


class StallDetector:
    """Measures how long an engine with live replies has made no step."""

    def __init__(self, seconds: float) -> None:
        """``seconds``: time without a step after which the engine is stalled."""
        self._seconds = seconds
        self._since = 0.0
        self._steps = -1

    def is_stalled(self, now: float, *, steps: int, live: int) -> bool:
        """Return whether ``steps`` has not grown for too long with ``live`` replies."""
        if steps != self._steps or not live:
            self._steps, self._since = steps, now
        return now - self._since >= self._seconds


@dataclass(frozen=True, slots=True)
class WorkerActivity:
    """Counters of a worker that show whether it works."""

    #: Bells answered so far.
    bells: int
    #: Free rows.
    free: int
    #: Replies being written.
    live: int
    #: Steps of the engine so far.
    steps: int
    is_draining: bool


class Watchdog:
    """Checks the worker every second, from a thread of its own."""

    def __init__(
        self,
        activity: Callable[[], WorkerActivity],
        waiting: Callable[[], int],
        *,
        stall_seconds: float,
        reconnect: Callable[[], None],
        leave: Callable[[], None],
    ) -> None:
        """Start to watch.

        ``waiting`` returns the replies in line and may raise ``MailboxAway``.
        ``reconnect`` makes the Celery consumer connect again. ``leave`` ends the worker
        in good order.
        """
        self._activity = activity
        self._waiting = waiting
        self._reconnect = reconnect
        self._leave = leave
        self._deafness = DeafnessDetector()
        self._stall = StallDetector(stall_seconds)
        self._times_deaf = 0
        self._bells = 0
        self._closing = Event()
        self._thread = Thread(target=self._loop, name="watchdog", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._closing.wait(CHECK_SECONDS):
            try:
                self._check(time.monotonic())
            except MailboxAway:
                continue
            except Exception:
                log.exception("the watchdog failed")

    def _check(self, now: float) -> None:
        activity = self._activity()
        if self._stall.is_stalled(now, steps=activity.steps, live=activity.live):
            self._end_stalled()
        if activity.bells != self._bells:
            self._bells, self._times_deaf = activity.bells, 0
        if activity.is_draining:
            return
        is_deaf = self._deafness.is_deaf(
            now, bells=activity.bells, waiting=self._waiting(), free=activity.free
        )
        if is_deaf:
            self._handle_deafness()

    def _handle_deafness(self) -> None:
        self._times_deaf += 1
        if self._times_deaf < DEAF_LIMIT:
            log.error("replies wait and no bell arrives: reconnecting")
            self._reconnect()
        else:
            log.critical("reconnecting did not help: this worker ends")
            self._leave()

    def _end_stalled(self) -> None:
        """Exit at once. A stuck process can hand back nothing; its leases expire."""
        log.critical("the engine makes no step: this worker ends at once")
        faulthandler.dump_traceback(all_threads=True)
        os._exit(STALLED_EXIT_CODE)
