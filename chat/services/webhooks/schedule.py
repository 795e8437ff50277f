"""When a delivery is tried again: the schedule that Standard Webhooks recommends."""

from __future__ import annotations

from datetime import timedelta

from chat.services.outgoing.retry_pause import with_jitter

#: Seconds before the second try, the third, and so on: a little over three days.
DELAYS_SECONDS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
TRIES_MAX = 1 + len(DELAYS_SECONDS)


def delay_after(attempts: int, chance: float) -> timedelta | None:
    """The time until the next try after this many; None after the last.

    ``chance`` is a random number from 0 to 1.
    """
    if attempts >= TRIES_MAX:
        return None
    seconds = DELAYS_SECONDS[max(0, attempts - 1)]
    return timedelta(seconds=with_jitter(seconds, chance))
