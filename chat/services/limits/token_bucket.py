"""A token bucket: pure arithmetic over times that the caller passes in.

It is the generic cell rate algorithm (ITU-T I.371, virtual scheduling). The only state
is one time: the moment at which the bucket will be full again. The whole limit may be
used at once, and the bucket refills evenly: a limit of 30 a day allows one more every
48 minutes, and no user waits for midnight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

#: Clocks and databases round times; this share of one token makes up for it.
ROUNDING = 1e-3


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """Times are seconds since the epoch; ``full_at`` may lie in the past."""

    limit: int
    period_seconds: float

    @property
    def interval_seconds(self) -> float:
        """Seconds in which one token is refilled."""
        return self.period_seconds / self.limit

    def remaining(self, full_at: float, now: float) -> int:
        """How many tokens are in the bucket; 0 as long as there is a debt."""
        taken = max(0.0, full_at - now) / self.interval_seconds
        return max(0, math.floor(self.limit - taken + ROUNDING))

    def wait_seconds(self, full_at: float, now: float, count: int = 1) -> float:
        """Seconds until ``count`` tokens are in the bucket; 0 if they are now.

        If ``count`` exceeds the limit, a full bucket is enough. So no request is
        refused forever.
        """
        missing = min(count, self.limit) - self.remaining(full_at, now)
        if missing <= 0:
            return 0.0
        spare = self.period_seconds - min(count, self.limit) * self.interval_seconds
        return max(0.0, full_at - now - spare)

    def after(self, full_at: float, now: float, count: int) -> float:
        """``full_at`` after ``count`` tokens are taken, even if they are not there.

        The debt is limited: after one whole period one token is available again,
        however many were taken.
        """
        latest = now + 2 * self.period_seconds - self.interval_seconds
        return min(max(full_at, now) + count * self.interval_seconds, latest)
