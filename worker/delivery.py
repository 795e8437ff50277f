"""One reply on its way from the engine to the mailbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from threading import Event, Lock

from chatsite import wire
from chatsite.logprobs import LOGPROBS_MAX_BYTES, TokenLogprobs
from chatsite.mailbox import Claim, WriteResult
from chatsite.mailbox.results import Write
from chatsite.request_context import on_behalf_of
from worker.engine.interface import RequestHandle


class Delivery:
    """Implements ``ReplyListener``, and holds the text that the mailbox lacks.

    The whole text is kept: after a restart Redis may have lost the end of it, and
    reports a shorter length then.
    """

    def __init__(
        self, claim: Claim, on_first_text: Callable[[], None] = lambda: None
    ) -> None:
        """``on_first_text`` is called once, by the engine's thread."""
        self.claim = claim
        self._request: wire.Request | Exception
        try:
            self._request = wire.Request.from_json(claim.request)
        except Exception as error:
            self._request = error
        self._on_first_text = on_first_text
        self.ended = Event()
        #: Set once it is no longer among the live replies.
        self.left = Event()
        self.ending: wire.Ending | None = None
        #: True once the mailbox refused a write: another claim owns this reply.
        self.is_lost = False
        self._lock = Lock()
        self._text = bytearray()
        self._tokens = 0
        #: Length in bytes of the text that the mailbox holds.
        self._stored_bytes = 0
        #: Lines for ``logprobs.read_lines``, and how many bytes the mailbox holds.
        self._logprobs = bytearray()
        self._stored_logprobs = 0
        self._is_logprobs_full = False
        self._handle: RequestHandle | None = None
        self._is_stopped = False
        self._gives_way = False

    def read_request(self) -> wire.Request:
        """Return what is asked for. Raises what ``wire.Request.from_json`` does."""
        if isinstance(self._request, Exception):
            raise self._request
        return self._request

    def logged(self) -> AbstractContextManager[None]:
        """Within the block, log lines name the reply and the request that asked."""
        asked = self._request
        if isinstance(asked, Exception):
            return on_behalf_of("", reply=self.claim.reply)
        return on_behalf_of(
            asked.request_id, reply=self.claim.reply, traceparent=asked.traceparent
        )

    # The engine's side

    def on_text(
        self, text: str, new_tokens: int, logprobs: Sequence[TokenLogprobs] = ()
    ) -> None:
        """Implement ``ReplyListener``: take more text."""
        lines = "".join(found.to_line() for found in logprobs)
        with self._lock:
            is_first = bool(text) and not self._text
            self._text += text.encode("utf-8", "replace")
            self._tokens = new_tokens
            self._add_logprobs(lines)
        if is_first:
            self._on_first_text()

    def on_end(self, ending: wire.Ending) -> None:
        """Implement ``ReplyListener``: take the end."""
        with self._lock:
            if self._gives_way and ending.outcome is wire.Outcome.STOPPED:
                ending = replace(ending, outcome=wire.Outcome.HANDED_BACK)
            self.ending = ending
            self._tokens = max(self._tokens, ending.new_tokens)
        self.ended.set()

    def _add_logprobs(self, lines: str) -> None:
        """Keep lines of log probabilities; after the first that is too much, none."""
        if self._is_logprobs_full:
            return
        self._is_logprobs_full = len(self._logprobs) + len(lines) > LOGPROBS_MAX_BYTES
        if not self._is_logprobs_full:
            self._logprobs += lines.encode("ascii")

    # The mailbox's side

    def next_write(self) -> Write:
        """Return the write that sends all text that the mailbox lacks."""
        with self._lock:
            rest = self._text[self._stored_bytes :]
            return Write(
                self.claim.reply,
                self.claim.token,
                self._stored_bytes,
                bytes(rest).decode("utf-8", "ignore"),
                self._tokens,
                self._logprobs[self._stored_logprobs :].decode("ascii"),
                self._stored_logprobs,
            )

    def accept(self, result: WriteResult) -> None:
        """Take the mailbox's answer to a write; stop if it says so."""
        if result.verdict == "refused":
            self.is_lost = True
            self.stop()
            return
        with self._lock:
            self._stored_bytes = result.length
            self._stored_logprobs = result.logprobs_length
        if result.verdict == "stop":
            self.stop()

    def attach(self, handle: RequestHandle) -> None:
        """Set the engine's handle, and pass on a stop that arrived before it."""
        with self._lock:
            self._handle = handle
            is_stopped = self._is_stopped
        if is_stopped:
            handle.stop()

    def stop(self) -> None:
        """Stop the request in the engine."""
        with self._lock:
            self._is_stopped = True
            handle = self._handle
        if handle is not None:
            handle.stop()

    def give_way(self) -> None:
        """Stop the request in the engine, and hand the reply back to its line."""
        with self._lock:
            self._gives_way = True
        self.stop()
