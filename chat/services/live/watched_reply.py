"""One reply that a call waits for, and how much of its text the call has."""

from __future__ import annotations

from uuid import UUID

from chat.models import Reply
from chatsite.mailbox.results import LiveReply, LiveState, ReplyCursor

#: How long to wait before the database is asked again, in seconds: first and longest.
RETRY_SECONDS = (0.5, 4.0)


class TextChanged(Exception):
    """A worker that took over wrote another text than the client has already."""


class WatchedReply:
    """What is known of one reply. ``text`` is UTF-8, as far as the call has it."""

    def __init__(self, pk: UUID, *, has_text: bool) -> None:
        self.pk = pk
        self.tokens = 0
        self.has_ended = False
        #: The row, once the reply has ended; None if it was erased meanwhile.
        self.row: Reply | None = None
        self.text = b""
        self._has_text = has_text
        self._run = 0
        #: What the present run has written, which is less than the call has after
        #: another worker took over.
        self._written = b""
        self._is_asking = False
        self._ask_at = 0.0
        self._retry = RETRY_SECONDS[0]

    def cursor(self) -> ReplyCursor:
        """Where its new text begins."""
        offset = len(self._written) if self._has_text else -1
        return str(self.pk), self._run, offset

    def more_text(self, reply: LiveReply) -> str:
        """Return the text that is new to the call. Raises ``TextChanged``."""
        if reply.state is not LiveState.RUNNING:
            return ""
        self.tokens = reply.tokens
        if not self._has_text:
            return ""
        written = reply.text.replace("\x00", " ").encode()
        is_same_run = reply.run == self._run and reply.offset == len(self._written)
        self._run = reply.run
        return self._take(self._written + written if is_same_run else written)

    def rest(self, text: str) -> str:
        """Return what is missing of the whole text. Raises ``TextChanged``."""
        return self._take(text.encode())

    def is_row_due(self, reply: LiveReply, now: float) -> bool:
        """Whether the database has to be asked, because the mailbox knows no more.

        True is returned once; ``asked`` allows the next time.
        """
        if reply.state in (LiveState.QUEUED, LiveState.RUNNING):
            return False
        if self._is_asking or self.has_ended or now < self._ask_at:
            return False
        self._is_asking = True
        return True

    def asked(self, now: float) -> None:
        """Note that the database was asked, and that the reply has not ended."""
        self._ask_at = now + self._retry
        self._retry = min(2 * self._retry, RETRY_SECONDS[1])
        self._is_asking = False

    def end(self, row: Reply | None) -> None:
        """Note how the reply ended."""
        self.row = row
        self.has_ended = True

    def _take(self, written: bytes) -> str:
        self._written = written
        known = min(len(written), len(self.text))
        if written[:known] != self.text[:known]:
            raise TextChanged
        new = written[known:]
        self.text += new
        return new.decode()
