"""One reply on its way from the engine to the mailbox."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock

from chatsite import wire
from chatsite.mailbox import Claim, Kept
from chatsite.mailbox.mailbox import Write
from worker.engine.interface import Run


class Delivery:
    """Hears the engine, and keeps what the mailbox has not got yet.

    The text is kept whole: after a restart Redis may have forgotten the last of it,
    and says so by a shorter length.
    """

    def __init__(
        self, claim: Claim, on_first_text: Callable[[], None] = lambda: None
    ) -> None:
        self.claim = claim
        self._on_first_text = on_first_text
        self.ended = Event()
        self.ending: wire.Ending | None = None
        #: True once the mailbox refused a write: another claim owns this reply.
        self.is_lost = False
        self._lock = Lock()
        self._text = bytearray()
        self._tokens = 0
        self._kept = 0
        self._run: Run | None = None
        self._is_stopped = False

    # The engine's side

    def on_text(self, text: str, new_tokens: int) -> None:
        with self._lock:
            is_first = not self._text
            self._text += text.encode("utf-8", "replace")
            self._tokens = new_tokens
        if is_first:
            self._on_first_text()

    def on_end(self, ending: wire.Ending) -> None:
        with self._lock:
            self.ending = ending
            self._tokens = max(self._tokens, ending.new_tokens)
        self.ended.set()

    # The mailbox's side

    def write(self) -> Write:
        """What to send next: everything that the mailbox does not hold."""
        with self._lock:
            text = bytes(self._text[self._kept :]).decode("utf-8", "ignore")
            return (
                self.claim.reply,
                self.claim.token,
                self._kept,
                text,
                self._tokens,
            )

    def heard(self, kept: Kept) -> None:
        """Take in the mailbox's answer to a write."""
        if kept.verdict == "refused":
            self.is_lost = True
            self.stop()
            return
        with self._lock:
            self._kept = kept.length
        if kept.verdict == "stop":
            self.stop()

    def runs_as(self, run: Run) -> None:
        """Note the run; a stop that came before it is passed on."""
        with self._lock:
            self._run = run
            is_stopped = self._is_stopped
        if is_stopped:
            run.stop()

    def stop(self) -> None:
        with self._lock:
            self._is_stopped = True
            run = self._run
        if run is not None:
            run.stop()
