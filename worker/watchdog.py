"""Notices when this worker has gone deaf or its engine stands still.

Neither shows from outside: a process that answers every ping may have stopped listening
to its queue, or be stuck in a step. Decisions are pure; ``Watchdog`` carries them out.
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

SECONDS = 1.0
#: The keeper rings again within two sweeps: who hears nothing for so long, while
#: replies wait and rows are free, does not listen.
DEAF_SECONDS = 10.0
#: A consumer made to connect anew has this long before the worker gives up.
PATIENCE = 3
STALLED_EXIT_CODE = 71


class Deafness:
    """How long replies waited beside free rows without a bell being heard."""

    def __init__(self, seconds: float = DEAF_SECONDS) -> None:
        self._seconds = seconds
        self._since: float | None = None
        self._heard = -1

    def is_deaf(self, now: float, *, heard: int, waiting: int, free: int) -> bool:
        """``heard`` counts bells so far. True once for every such time span."""
        if heard != self._heard or not waiting or not free:
            self._heard, self._since = heard, None
            return False
        if self._since is None:
            self._since = now
        if now - self._since < self._seconds:
            return False
        self._since = None
        return True


class Stall:
    """How long an engine with live replies made no step."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since = 0.0
        self._steps = -1

    def is_stalled(self, now: float, *, steps: int, live: int) -> bool:
        if steps != self._steps or not live:
            self._steps, self._since = steps, now
        return now - self._since >= self._seconds


@dataclass(frozen=True, slots=True)
class Signs:
    """What a worker shows of itself."""

    #: Bells answered so far.
    heard: int
    free: int
    live: int
    #: Steps of the engine so far.
    steps: int
    is_draining: bool


class Watchdog:
    """One thread that looks every second."""

    def __init__(
        self,
        signs: Callable[[], Signs],
        waiting: Callable[[], int],
        *,
        stall_seconds: float,
        listen_anew: Callable[[], None],
        leave: Callable[[], None],
    ) -> None:
        """``waiting``: replies in line; may raise ``MailboxAway``. ``listen_anew``
        makes the consumer connect again; ``leave`` ends the worker in good order."""
        self._signs = signs
        self._waiting = waiting
        self._listen_anew = listen_anew
        self._leave = leave
        self._deafness = Deafness()
        self._stall = Stall(stall_seconds)
        self._times_deaf = 0
        self._heard = 0
        self._closing = Event()
        self._thread = Thread(target=self._loop, name="watchdog", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._closing.wait(SECONDS):
            try:
                self._look(time.monotonic())
            except MailboxAway:
                continue
            except Exception:
                log.exception("the watchdog stumbled")

    def _look(self, now: float) -> None:
        signs = self._signs()
        if self._stall.is_stalled(now, steps=signs.steps, live=signs.live):
            self._end_stalled()
        if signs.heard != self._heard:
            self._heard, self._times_deaf = signs.heard, 0
        if signs.is_draining:
            return
        is_deaf = self._deafness.is_deaf(
            now, heard=signs.heard, waiting=self._waiting(), free=signs.free
        )
        if is_deaf:
            self._mend_deaf()

    def _mend_deaf(self) -> None:
        self._times_deaf += 1
        if self._times_deaf < PATIENCE:
            log.error("replies wait and no bell is heard: listening anew")
            self._listen_anew()
        else:
            log.critical("listening anew did not help: this worker ends")
            self._leave()

    def _end_stalled(self) -> None:
        """Nothing can be handed back by a process that is stuck: its leases decide."""
        log.critical("the engine stands still: this worker ends at once")
        faulthandler.dump_traceback(all_threads=True)
        os._exit(STALLED_EXIT_CODE)
