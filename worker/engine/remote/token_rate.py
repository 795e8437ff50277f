"""Measures how many tokens a second a server writes, while it writes any."""

from __future__ import annotations

from collections import deque
from typing import Final

#: So many rounds with replies are averaged.
MEASURED_TICKS: Final = 120


class TokenRate:
    """Add and tick in one thread, read in any."""

    def __init__(self) -> None:
        self._ticks: deque[tuple[float, int]] = deque(maxlen=MEASURED_TICKS)
        self._tokens = 0
        self._ticked_at: float | None = None

    def add(self, tokens: int) -> None:
        """Count further tokens."""
        self._tokens += tokens

    def tick(self, now: float, *, is_busy: bool) -> None:
        """End a round, in which replies were written or not."""
        if self._ticked_at is not None and (is_busy or self._tokens):
            self._ticks.append((now - self._ticked_at, self._tokens))
        self._tokens, self._ticked_at = 0, now

    def tokens_per_second(self) -> float:
        """Return the speed over the latest rounds with replies; 0 before the first."""
        ticks = list(self._ticks)
        seconds = sum(seconds for seconds, _ in ticks)
        return sum(tokens for _, tokens in ticks) / seconds if seconds else 0.0
