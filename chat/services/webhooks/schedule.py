"""When a delivery is tried again: the schedule that Standard Webhooks recommends."""

from __future__ import annotations

from datetime import timedelta

#: Seconds before the second try, the third, and so on: a little over three days.
DELAYS_SECONDS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
TRIES_MAX = 1 + len(DELAYS_SECONDS)
#: Part of a delay that chance adds, so that what failed together does not come back
#: together.
JITTER = 0.2


def delay_after(attempts: int, chance: float) -> timedelta | None:
    """The time until the next try after this many; None after the last.

    ``chance`` is a random number from 0 to 1.
    """
    if attempts >= TRIES_MAX:
        return None
    seconds = DELAYS_SECONDS[max(0, attempts - 1)]
    return timedelta(seconds=seconds * (1 + JITTER * chance))
