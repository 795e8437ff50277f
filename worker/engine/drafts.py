"""Decides which replies get a draft of their next tokens, and how long it is.

A draft costs time for every token and saves a step for every token that is right, so
both are measured; where drafts do not pay, none are made.
"""

from __future__ import annotations

from collections.abc import Sequence as Tokens
from dataclasses import replace
from typing import Any, Final

from worker.engine.prefill_budget import adjusted
from worker.engine.sequence import Chunk, S

#: With more replies a step is no longer waiting for memory: each token costs time.
MAX_REPLIES: Final = 2
MAX_DRAFT_TOKENS: Final = 7
#: Length of a draft that is made only to measure: while the cost is unknown, and at
#: every 16th chance of a reply for which drafts do not seem to pay.
PROBE_TOKENS: Final = 3
PROBE_CHANCES: Final = 16


class DraftPolicy:
    """Adds drafts to the chunks of a step, and learns from what became of them."""

    def __init__(self, *, is_on: bool = True) -> None:
        self._is_on = is_on
        #: Seconds of a step without drafts, by the number of its replies.
        self._step_seconds: dict[int, float] = {}
        #: What each drafted token adds to a step; 0 while unknown.
        self._token_seconds = 0.0

    def with_drafts(self, chunks: list[Chunk[S]]) -> list[Chunk[S]]:
        """Return the chunks of a step, with drafts where they are likely to pay."""
        is_small = len(chunks) <= MAX_REPLIES
        if not (self._is_on and is_small and all(c.is_decode for c in chunks)):
            return chunks
        if any(chunk.sequence.is_suspect for chunk in chunks):
            return chunks
        return [self._with_draft(chunk, len(chunks)) for chunk in chunks]

    def add(self, seconds: float, chunks: Tokens[Chunk[Any]]) -> None:
        """Take the duration of a step."""
        drafted = sum(len(chunk.draft) for chunk in chunks)
        alone = self._step_seconds.get(len(chunks), 0.0)
        if drafted and alone:
            # A step that took no longer shows that a token costs little, not nothing.
            added = max(seconds - alone, 0.02 * alone) / drafted
            self._token_seconds = adjusted(self._token_seconds, added)
        elif not drafted and all(chunk.is_decode for chunk in chunks):
            self._step_seconds[len(chunks)] = adjusted(alone, seconds)

    def _with_draft(self, chunk: Chunk[S], replies: int) -> Chunk[S]:
        sequence = chunk.sequence
        most = min(MAX_DRAFT_TOKENS, sequence.max_draft_tokens)
        draft = sequence.lookup.draft(sequence.ids, most) if most > 0 else []
        if not draft:
            return chunk
        length = self._length(sequence.lookup.hit_rate, replies)
        if not length:
            sequence.lookup.missed_chances += 1
            if sequence.lookup.missed_chances % PROBE_CHANCES == 0:
                length = PROBE_TOKENS
        draft = draft[:length]
        return replace(chunk, stop=chunk.stop + len(draft), draft=tuple(draft))

    def _length(self, hit_rate: float, replies: int) -> int:
        """Return the length of the longest draft of which every token pays.

        The n-th is right with probability hit rate to the n, and then saves one reply's
        share of a step.
        """
        alone = self._step_seconds.get(replies, 0.0)
        if not alone:
            return 0
        if not self._token_seconds:
            return PROBE_TOKENS
        length = 0
        while length < MAX_DRAFT_TOKENS and (
            hit_rate ** (length + 1) * alone / replies > self._token_seconds
        ):
            length += 1
        return length
