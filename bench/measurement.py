"""The times of one run, and statistics over several runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median


@dataclass(frozen=True, slots=True)
class Measurement:
    """One engine with one workload. Times in seconds."""

    #: Without padding and tokens beyond the requested length.
    tokens: int
    seconds: float
    #: From the submission of each request to its first text; empty if not observable.
    first_texts: list[float] = field(default_factory=list)
    #: Between consecutive texts of the same reply.
    gaps: list[float] = field(default_factory=list)

    @property
    def tokens_per_second(self) -> float:
        """Throughput: new tokens of all requests per second."""
        return self.tokens / self.seconds


def concatenated(parts: Sequence[Measurement]) -> Measurement:
    """Join several runs as if one had followed the other."""
    return Measurement(
        tokens=sum(part.tokens for part in parts),
        seconds=sum(part.seconds for part in parts),
        first_texts=[first for part in parts for first in part.first_texts],
        gaps=[gap for part in parts for gap in part.gaps],
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that ``share`` (0 to 1) of all values do not exceed.

    NaN if there are no values.
    """
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of ours divided by theirs, over the rounds that have both."""
    return median(mine / other for mine, other in zip(ours, theirs, strict=False))


def gaps_of(times: Sequence[float]) -> list[float]:
    """Return the differences between consecutive times."""
    return [after - before for before, after in pairwise(times)]
