"""The calls of web processes in which callers wait for replies, and of the keeper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatsite.mailbox.connection import MailboxCalls
from chatsite.mailbox.results import LiveReply, ReplyCursor, live_reply_from


@dataclass(frozen=True, slots=True)
class CallerMark:
    """That callers of a web process wait for replies, which are written for them."""

    process: str
    replies: Sequence[str]
    #: For how long the mark counts.
    seconds: float

    def words(self) -> list[str | float]:
        """Return the first arguments of the script."""
        return [self.process, self.seconds, len(self.replies), *self.replies]


class CallerCalls(MailboxCalls):
    """Who waits for replies, and what callers get of them."""

    def live_replies(
        self, cursors: Sequence[ReplyCursor], mark: CallerMark | None = None
    ) -> list[LiveReply]:
        """The state and the new text of replies whose owner is known to the caller.

        A cursor with the offset -1 gets no text. The ``mark`` is made in the same trip.
        """
        words = (mark or CallerMark("", (), 0)).words()
        words += [word for cursor in cursors for word in cursor]
        return [live_reply_from(raw) for raw in self.connection.run("live", *words)]

    def let_go(self, process: str, replies: Sequence[str], seconds: float) -> list[str]:
        """Note that no caller of this process waits for these replies any longer.

        Returns those for which no other process has made a mark for so many seconds.
        """
        if not replies:
            return []
        return list(self.connection.run("let_go", process, seconds, *replies))

    def abandoned(self, seconds: float, most: int) -> list[str]:
        """Replies that were marked, but by no process for so many seconds."""
        return list(self.connection.run("abandoned", seconds, most))

    def forget_abandoned(self, replies: Sequence[str]) -> None:
        """Have these replies abandoned no longer."""
        if replies:
            self.connection.command("ZREM", "mailbox:kept", *replies)
