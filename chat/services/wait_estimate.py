"""Estimates how long a place in the queue takes, from the workers' heartbeats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chatsite import wire

#: Half the width of the range, in standard errors. Nine in ten real waits are inside;
#: the simulation in ``tests/chat/services/test_wait_estimate_simulated.py`` chose it.
DEVIATIONS = 1.4
#: Relative error of a worker's measured throughput.
THROUGHPUT_ERROR = 0.07
#: Relative deviation of the lengths of replies, if no worker measured it.
UNKNOWN_SPREAD = 0.6


@dataclass(frozen=True, slots=True)
class WaitEstimate:
    """A range of seconds in which a reply will probably start."""

    low: float
    high: float

    @property
    def is_at_once(self) -> bool:
        """Whether a free row of a worker takes the reply immediately."""
        return self.high == 0


AT_ONCE = WaitEstimate(0.0, 0.0)


def ready_workers(workers: Sequence[wire.Announcement]) -> list[wire.Announcement]:
    """The workers that accept replies now."""
    return [worker for worker in workers if worker.stage is wire.Stage.READY]


def free_rows(ready: Sequence[wire.Announcement]) -> int:
    """How many replies these workers could start immediately."""
    return sum(worker.free for worker in ready)


def estimate_wait(
    place: int, workers: Sequence[wire.Announcement], *, is_helper: bool = False
) -> WaitEstimate | None:
    """When a reply starts that has ``place`` replies before it in the queue.

    The workers finish replies at their measured throughput, and each finished reply
    makes room for one. None if nothing was measured yet, and for a helper job that
    does not start at once: any number of people may come before it.
    """
    ready = ready_workers(workers)
    helping = sum(worker.helpers for worker in ready) if is_helper else 0
    ends = place + 1 - free_rows(ready) + helping
    if ready and ends <= 0:
        return AT_ONCE
    if is_helper:
        return None
    seconds = seconds_between_ends(ready)
    if seconds is None:
        return None
    spread = _spread(ready)
    # The ends of many rows together are a Poisson process; after several ends of each
    # row they come more evenly.
    poisson_ends = min(ends, sum(worker.rows for worker in ready))
    variance = ends * spread**2 + poisson_ends * max(0.0, 1 - spread**2)
    relative = variance / ends**2 + THROUGHPUT_ERROR**2
    middle = ends * seconds / math.sqrt(1 + relative)
    factor = math.exp(DEVIATIONS * math.sqrt(math.log1p(relative)))
    return WaitEstimate(middle / factor, middle * factor)


def seconds_between_ends(workers: Sequence[wire.Announcement]) -> float | None:
    """Mean seconds between two ends of replies; None if nothing was measured yet.

    A worker of which no reply has ended yet counts with the mean speed of the other
    workers' rows. So one that was just added shortens the wait at once.
    """
    ready = ready_workers(workers)
    measured = [worker for worker in ready if worker.tokens_per_reply > 0]
    rows = sum(worker.rows for worker in measured)
    ends_per_second = sum(
        worker.tokens_per_second / worker.tokens_per_reply for worker in measured
    )
    if ends_per_second <= 0:
        return None
    new = sum(worker.rows for worker in ready if worker.tokens_per_reply <= 0)
    return 1 / (ends_per_second * (1 + new / max(1, rows)))


def _spread(ready: Sequence[wire.Announcement]) -> float:
    known = [worker.reply_spread for worker in ready if worker.reply_spread > 0]
    return sum(known) / len(known) if known else UNKNOWN_SPREAD
