"""For which replies callers of this process wait, and when to tell the mailbox."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from secrets import token_hex
from uuid import UUID

#: A mark is made again so many times before it counts no longer.
MARKS_PER_LIFETIME = 4


class CallerMarks:
    """The replies that are written for callers of one process alone.

    New ones are marked at once, all of them again and again. Pure: times are passed in.
    """

    def __init__(self) -> None:
        #: The name of this process in the mailbox.
        self.process = token_hex(8)
        self._callers: Counter[UUID] = Counter()
        self._new: set[UUID] = set()
        self._all_due_at = -math.inf

    def __contains__(self, reply: UUID) -> bool:
        """Return whether a caller waits for this reply."""
        return reply in self._callers

    def add(self, replies: Sequence[UUID]) -> None:
        """Note one more caller of each of these replies."""
        self._callers.update(replies)
        self._new.update(replies)

    def remove(self, replies: Sequence[UUID]) -> None:
        """Note one caller less."""
        for reply in replies:
            self._callers[reply] -= 1
            if not self._callers[reply]:
                del self._callers[reply]
                self._new.discard(reply)

    def due(self, now: float, lifetime: float) -> list[str]:
        """Return the replies to mark now. A mark counts for ``lifetime`` seconds."""
        found = list(self._new)
        if now >= self._all_due_at:
            found = list(self._callers)
            self._all_due_at = now + lifetime / MARKS_PER_LIFETIME
        self._new.clear()
        return [str(reply) for reply in found]

    def mark_again(self) -> None:
        """Have all of them marked the next time, since the mailbox gave no answer."""
        self._all_due_at = -math.inf
