"""How long the latest replies became, from which the site estimates waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from statistics import fmean, pstdev

#: Number of latest replies over which their length is measured.
MEASURED_REPLIES = 50


class ReplyLengths:
    """The new tokens of the latest replies that were not stopped."""

    def __init__(self) -> None:
        self._tokens: deque[int] = deque(maxlen=MEASURED_REPLIES)

    def add(self, tokens: int) -> None:
        """Add the length of a reply. Thread-safe."""
        self._tokens.append(tokens)

    def measure(self) -> tuple[float, float]:
        """Return their mean, and the standard deviation over the mean."""
        return lengths_of(list(self._tokens))


def lengths_of(tokens: Sequence[int]) -> tuple[float, float]:
    """Return the mean length of replies, and the standard deviation over the mean."""
    mean = fmean(tokens) if tokens else 0.0
    return mean, pstdev(tokens) / mean if mean else 0.0
