"""How long a place in line will probably take, from what the workers announce."""

from __future__ import annotations

from collections.abc import Sequence

from chatsite import wire


def ready_workers(workers: Sequence[wire.Announcement]) -> list[wire.Announcement]:
    """Those that take replies at present."""
    return [worker for worker in workers if worker.stage is wire.Stage.READY]


def free_rows(ready: Sequence[wire.Announcement]) -> int:
    """How many replies they could begin at once."""
    return sum(worker.free for worker in ready)


def expected_seconds(ahead: int, workers: Sequence[wire.Announcement]) -> float | None:
    """Seconds until the turn of who has ``ahead`` replies before them in line.

    The workers of the model end replies at their measured pace, and each end lets one
    in. None where nothing was measured yet.
    """
    ready = ready_workers(workers)
    ends_needed = ahead + 1 - free_rows(ready)
    if ready and ends_needed <= 0:
        return 0.0
    seconds = seconds_of_one_end(ready)
    return None if seconds is None else ends_needed * seconds


def seconds_of_one_end(workers: Sequence[wire.Announcement]) -> float | None:
    """How often a reply of theirs ends; None where nothing was measured yet."""
    ends_per_second = sum(
        worker.tokens_per_second / worker.tokens_per_reply
        for worker in ready_workers(workers)
        if worker.tokens_per_reply > 0
    )
    return 1 / ends_per_second if ends_per_second > 0 else None
