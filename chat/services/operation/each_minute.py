"""What the keeper does once a minute for operators."""

from __future__ import annotations

from collections.abc import Callable

from chat.services.operation.control import repeat_pauses
from chat.services.operation.samples import take_samples
from chat.services.site_notice import repeat_notice

SECONDS = 60.0


class EachMinute:
    """Runs once a minute by ``clock``, and at once after ``reset``."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._due = 0.0

    def run(self) -> None:
        """Repeat what operators set, and note the minute. Raises ``MailboxAway``."""
        if self.is_due():
            repeat_pauses()
            repeat_notice()
            take_samples()
            self._due = self._clock() + SECONDS

    def is_due(self) -> bool:
        """Whether the next call does something."""
        return self._clock() >= self._due

    def reset(self) -> None:
        """Run at the next call: Redis may have been emptied."""
        self._due = 0.0
