"""What one run took, and what follows from several of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median


@dataclass(frozen=True, slots=True)
class Measured:
    """One peer on one load. Times in seconds from the submission of each request."""

    #: Only tokens that somebody asked for.
    tokens: int
    seconds: float
    #: To the first text of each request; empty where it cannot be seen.
    first_texts: list[float] = field(default_factory=list)
    #: Between one text and the next of the same reply.
    gaps: list[float] = field(default_factory=list)

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds


def joined(parts: Sequence[Measured]) -> Measured:
    """Several runs as one, one after another."""
    return Measured(
        tokens=sum(part.tokens for part in parts),
        seconds=sum(part.seconds for part in parts),
        first_texts=[first for part in parts for first in part.first_texts],
        gaps=[gap for part in parts for gap in part.gaps],
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` of them do not exceed; NaN of none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def paired(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median, over the rounds that had both, of ours divided by theirs."""
    return median(mine / other for mine, other in zip(ours, theirs, strict=False))


def gaps_of(times: Sequence[float]) -> list[float]:
    """Between each time and the next."""
    return [after - before for before, after in pairwise(times)]
