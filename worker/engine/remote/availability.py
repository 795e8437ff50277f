"""Whether a model's server can be used, and when to ask it again: pure bookkeeping."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Final

from worker.engine.interface import Pause
from worker.engine.remote.faults import Interrupted, RemoteFault

log = logging.getLogger(__name__)

#: The first pause after a fault; each further one is twice as long.
PAUSE_SECONDS: Final = 0.5
PAUSE_MAX_SECONDS: Final = 30.0
#: How often a server that is away is looked for.
AWAY_SECONDS: Final = 2.0
JITTER: Final = 0.2
STARTING: Final = Pause("Waiting for the server of the model.", is_away=True)


class Availability:
    """Pauses after faults, and asks a server that was silent whether it is there.

    Written by one thread; ``pause`` may be read by any. Times are of one monotonic
    clock, in seconds.
    """

    def __init__(
        self, check_seconds: float, on_change: Callable[[], object] = lambda: None
    ) -> None:
        """``check_seconds``: between two questions to a server without replies."""
        self._check_seconds = check_seconds
        self._on_change = on_change
        self.pause: Pause | None = STARTING
        self._check_at = 0.0
        self._faults = 0

    def is_check_due(self, now: float) -> bool:
        """Return whether the server should be asked now."""
        return now >= self._check_at

    def note_answer(self, now: float) -> None:
        """Note that the server has written a reply."""
        self._faults = 0
        if self.pause is None:
            self._check_at = now + self._check_seconds

    def note_present(self, now: float) -> None:
        """Note that the server says it is there: a pause ends."""
        self._check_at = now + self._check_seconds
        if self.pause is not None:
            log.info("the server of the model is there")
        self._set(None)

    def note_absent(self, fault: RemoteFault, now: float) -> None:
        """Note that a server that was asked is not there."""
        self._pause_for(AWAY_SECONDS, fault, now, is_away=True)

    def note_interruption(self, fault: Interrupted, now: float) -> None:
        """Note that a reply was interrupted: no other is sent for a time.

        Replies that one fault interrupts together prolong the pause once.
        """
        if fault.retry_after is not None:
            seconds = fault.retry_after
        else:
            self._faults += self.pause is None
            growth = 2.0 ** min(self._faults - 1, 10)
            seconds = min(PAUSE_SECONDS * growth, PAUSE_MAX_SECONDS)
        self._pause_for(seconds, fault, now, is_away=fault.is_away)

    def _pause_for(
        self, seconds: float, fault: RemoteFault, now: float, *, is_away: bool
    ) -> None:
        until = now + seconds * random.uniform(1, 1 + JITTER)
        is_paused = self.pause is not None
        self._check_at = max(self._check_at, until) if is_paused else until
        self._set(Pause(_sentence(fault), is_away=is_away))

    def _set(self, pause: Pause | None) -> None:
        if pause != self.pause:
            if pause is not None:
                log.warning("%s", pause.reason)
            self.pause = pause
            self._on_change()


def _sentence(fault: RemoteFault) -> str:
    """Return a fault as a sentence for the operator."""
    text = str(fault)
    return f"{text[:1].upper()}{text[1:]}."
