"""When a page polls next: pure arithmetic. The server decides, not the page."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from chat.services.jobs.reply_status import ReplyStatus
from chatsite import wire

JITTER = 0.2
#: A page whose running reply gets no text polls less and less often, down to this.
SLOWEST_SECONDS = 2.0
#: A reply that has just begun is polled after ``flow_seconds``, and later after this
#: share of the time that it has taken so far.
AWAITED_SHARE = 0.25
#: The first one in line is polled at least once in so many times ``flow_seconds``.
NEXT_IN_LINE_FACTOR = 2
#: Each reply ahead in line adds ``AHEAD_SECONDS``, up to ``IN_LINE_SECONDS``. The first
#: twenty learn within two seconds of a new worker.
AHEAD_SECONDS = 0.05
IN_LINE_SECONDS = 10.0
#: While the queue is unreachable, or the model is loading.
OUTAGE_SECONDS = 2.0
#: While no worker serves the model.
NO_WORKER_SECONDS = 5.0
#: The page polls at least this often, even if an answer was lost.
WATCHDOG_SECONDS = 20


@dataclass(frozen=True, slots=True)
class PollInterval:
    """The shortest and the longest interval (POLL_SECONDS and POLL_IDLE_SECONDS)."""

    flow_seconds: float
    idle_seconds: float

    def next(
        self,
        statuses: Sequence[ReplyStatus],
        stage: wire.Stage | None,
        *,
        is_away: bool = False,
        previous_seconds: float = 0.0,
    ) -> float:
        """Seconds until the next poll, before jitter."""
        waits = [
            self._wait(status, stage, previous_seconds)
            for status in statuses
            if not status.state.is_terminal and status.state is not wire.State.HELD
        ]
        if is_away:
            return OUTAGE_SECONDS
        return min(waits, default=self._at_rest(stage))

    @property
    def watchdog_seconds(self) -> int:
        """After how long without an answer a page polls again."""
        return max(WATCHDOG_SECONDS, round(self.idle_seconds * 1.25))

    def _wait(
        self, status: ReplyStatus, stage: wire.Stage | None, previous_seconds: float
    ) -> float:
        if status.state is wire.State.RUNNING:
            if status.text or status.is_stopping:
                return self.flow_seconds
            if not status.length:
                return self._awaited(status.seconds, SLOWEST_SECONDS)
            slower = max(previous_seconds, self.flow_seconds) * 1.5
            return min(slower, max(SLOWEST_SECONDS, self.flow_seconds))
        if status.is_unpublished or stage is not wire.Stage.READY:
            return OUTAGE_SECONDS
        slowest_seconds = NEXT_IN_LINE_FACTOR * self.flow_seconds
        next_in_line = self._awaited(status.seconds, slowest_seconds)
        return min(next_in_line + AHEAD_SECONDS * status.place, IN_LINE_SECONDS)

    def _awaited(self, seconds: float, slowest_seconds: float) -> float:
        """The interval for a reply that has been awaited for ``seconds``.

        So a fast reply shows at once, and a slow one at most a quarter later.
        """
        slowest_seconds = max(slowest_seconds, self.flow_seconds)
        return min(max(self.flow_seconds, AWAITED_SHARE * seconds), slowest_seconds)

    def _at_rest(self, stage: wire.Stage | None) -> float:
        """Nothing is pending: only the state of the workers can change."""
        if stage is wire.Stage.READY:
            return self.idle_seconds
        waits_for_model = stage not in (None, wire.Stage.BROKEN)
        wait = OUTAGE_SECONDS if waits_for_model else NO_WORKER_SECONDS
        return min(wait, self.idle_seconds)


def jittered(seconds: float) -> float:
    """``seconds`` with random jitter: pages opened together do not poll together."""
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)
