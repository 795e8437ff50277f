"""When to ring again: pure arithmetic over what two successive sweeps saw."""

from __future__ import annotations


class Bells:
    """Rings only where replies waited beside free rows in two sweeps running.

    Counting the broker's own messages instead would deadlock: dead bells stay there
    until their visibility time-out.
    """

    def __init__(self) -> None:
        self._idle_before: dict[str, int] = {}

    def due(self, model: str, waiting: int, free: int) -> int:
        """How many bells ``model`` needs now."""
        idle = min(waiting, free)
        before = self._idle_before.get(model, 0)
        self._idle_before[model] = idle
        return min(idle, before)
