"""A limit of so many per period: pure arithmetic over times that are passed in.

The generic cell rate algorithm (ITU-T I.371, as a virtual scheduler): of what was
taken nothing is kept but one time, at which all of it will have come back. All may be
taken at once, and it comes back evenly: a limit of 30 a day gives one more every 48
minutes, and nobody has to wait for midnight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

#: What clocks and databases round away, as a part of one.
ROUNDING = 1e-3


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """Times are seconds since the epoch; ``full_at`` may lie in the past."""

    limit: int
    period_seconds: float

    @property
    def interval_seconds(self) -> float:
        """In so long one more comes back."""
        return self.period_seconds / self.limit

    def left(self, full_at: float, now: float) -> int:
        """How many may be taken; none as long as there is a debt."""
        taken = max(0.0, full_at - now) / self.interval_seconds
        return max(0, math.floor(self.limit - taken + ROUNDING))

    def wait_seconds(self, full_at: float, now: float, count: int = 1) -> float:
        """How long until ``count`` may be taken; 0 where they may be taken now.

        Where the limit is less than that, it has to be untouched: so nothing is
        refused forever.
        """
        missing = min(count, self.limit) - self.left(full_at, now)
        if missing <= 0:
            return 0.0
        spare = self.period_seconds - min(count, self.limit) * self.interval_seconds
        return max(0.0, full_at - now - spare)

    def after(self, full_at: float, now: float, count: int) -> float:
        """``full_at`` once ``count`` were taken, whether they were there or not.

        A debt is cut where one could be taken again after a whole period: nobody is
        shut out for longer, however much was spent.
        """
        latest = now + 2 * self.period_seconds - self.interval_seconds
        return min(max(full_at, now) + count * self.interval_seconds, latest)
