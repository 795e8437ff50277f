"""How soon a page asks again: pure arithmetic, so that the server sets the pace."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from chat.services.jobs.status import ReplyStatus
from chatsite import wire

JITTER = 0.2
#: Silence makes a page ask less often, but never less often than this.
SLOWEST_SECONDS = 2.0
#: What has just begun is looked at after this share of the time between flowing texts,
#: and later after so large a share of the time that it has taken so far.
FRESH_SHARE = 0.5
AWAITED_SHARE = 0.25
#: Each reply ahead in line adds this much, up to the limit.
AHEAD_SECONDS = 0.2
IN_LINE_SECONDS = 10.0
#: Waiting for something that takes seconds by itself: the queue, a worker, a model.
OUTAGE_SECONDS = 2.0
NO_WORKER_SECONDS = 5.0
#: The watchdog asks at least this often, even if an answer was lost.
WATCHDOG_SECONDS = 20


@dataclass(frozen=True, slots=True)
class PollInterval:
    """The two speeds between which everything lies (see the settings)."""

    flow_seconds: float
    idle_seconds: float

    def next(
        self,
        sights: Sequence[ReplyStatus],
        stage: wire.Stage | None,
        *,
        is_away: bool = False,
        previous_seconds: float = 0.0,
    ) -> float:
        """Seconds until the next poll, before jitter."""
        waits = [
            self._wait(sight, stage, previous_seconds)
            for sight in sights
            if not sight.state.is_terminal and sight.state is not wire.State.HELD
        ]
        if is_away:
            return OUTAGE_SECONDS
        return min(waits, default=self._at_rest(stage))

    @property
    def watchdog_seconds(self) -> int:
        return max(WATCHDOG_SECONDS, round(self.idle_seconds * 1.25))

    def _wait(
        self, sight: ReplyStatus, stage: wire.Stage | None, previous_seconds: float
    ) -> float:
        if sight.state is wire.State.RUNNING:
            if sight.text or sight.is_stopping:
                return self.flow_seconds
            if not sight.length:
                return self._awaited(sight.seconds, SLOWEST_SECONDS)
            slower = max(previous_seconds, self.flow_seconds) * 1.5
            return min(slower, max(SLOWEST_SECONDS, self.flow_seconds))
        if sight.is_unpublished or stage is not wire.Stage.READY:
            return OUTAGE_SECONDS
        next_in_line = self._awaited(sight.seconds, self.flow_seconds)
        return min(next_in_line + AHEAD_SECONDS * sight.ahead, IN_LINE_SECONDS)

    def _awaited(self, seconds: float, slowest_seconds: float) -> float:
        """For what was awaited that long: what comes soon is seen at once, and a long
        wait is made longer by a quarter at most."""
        soonest_seconds = FRESH_SHARE * self.flow_seconds
        slowest_seconds = max(slowest_seconds, self.flow_seconds)
        return min(max(soonest_seconds, AWAITED_SHARE * seconds), slowest_seconds)

    def _at_rest(self, stage: wire.Stage | None) -> float:
        """Nothing is pending: only the state of the workers may change."""
        if stage is wire.Stage.READY:
            return self.idle_seconds
        waits_for_model = stage is not None
        wait = OUTAGE_SECONDS if waits_for_model else NO_WORKER_SECONDS
        return min(wait, self.idle_seconds)


def jittered(seconds: float) -> float:
    """Spread, so that pages that were opened together do not ask together."""
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)
