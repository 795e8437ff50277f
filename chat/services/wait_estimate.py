"""How long a place in line will probably take, from what the workers announce."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chatsite import wire

#: So many times its standard error lies a range to either side: nine in ten real waits
#: are inside. Chosen by the simulation in ``tests/chat/test_waiting.py``.
DEVIATIONS = 1.4
#: What the pace of a worker may be off by, as a share.
PACE_ERROR = 0.07
#: How much replies differ in length, as a share of their mean, where it is not known.
UNKNOWN_SPREAD = 0.6


@dataclass(frozen=True, slots=True)
class WaitEstimate:
    """A range of seconds in which a turn will probably come."""

    low: float
    high: float

    @property
    def is_at_once(self) -> bool:
        """Whether a free row is about to take it."""
        return self.high == 0


AT_ONCE = WaitEstimate(0.0, 0.0)


def ready_workers(workers: Sequence[wire.Announcement]) -> list[wire.Announcement]:
    """Those that take replies at present."""
    return [worker for worker in workers if worker.stage is wire.Stage.READY]


def free_rows(ready: Sequence[wire.Announcement]) -> int:
    """How many replies they could begin at once."""
    return sum(worker.free for worker in ready)


def estimate_wait(
    ahead: int, workers: Sequence[wire.Announcement]
) -> WaitEstimate | None:
    """When the turn comes of who has ``ahead`` replies before them in line.

    The workers of the model end replies at their measured pace, and each end lets one
    in. None where nothing was measured yet.
    """
    ready = ready_workers(workers)
    ends = ahead + 1 - free_rows(ready)
    if ready and ends <= 0:
        return AT_ONCE
    seconds = seconds_between_ends(ready)
    if seconds is None:
        return None
    spread = _spread(ready)
    # Ends of many rows together come as if by chance; the more of them each row has
    # seen, the more evenly.
    by_chance = min(ends, sum(worker.rows for worker in ready))
    variance = ends * spread**2 + by_chance * max(0.0, 1 - spread**2)
    relative = variance / ends**2 + PACE_ERROR**2
    middle = ends * seconds / math.sqrt(1 + relative)
    factor = math.exp(DEVIATIONS * math.sqrt(math.log1p(relative)))
    return WaitEstimate(middle / factor, middle * factor)


def seconds_between_ends(workers: Sequence[wire.Announcement]) -> float | None:
    """How often a reply of theirs ends; None where nothing was measured yet."""
    ends_per_second = sum(
        worker.tokens_per_second / worker.tokens_per_reply
        for worker in ready_workers(workers)
        if worker.tokens_per_reply > 0
    )
    return 1 / ends_per_second if ends_per_second > 0 else None


def _spread(ready: Sequence[wire.Announcement]) -> float:
    known = [worker.reply_spread for worker in ready if worker.reply_spread > 0]
    return sum(known) / len(known) if known else UNKNOWN_SPREAD
