"""The tokens of one request, and the part of them that one step reads. No tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from worker.engine.prompt_lookup import PromptLookup


class Sequence:
    """The tokens of one request, and how many of them the KV cache holds."""

    def __init__(self, ids: list[int]) -> None:
        #: The prompt, then the reply.
        self.ids = ids
        #: Row of the KV cache; None while the sequence waits.
        self.row: int | None = None
        #: Length of the prefix of ``ids`` whose keys and values are in the row.
        self.cached_tokens = 0
        #: Position in the order of admission.
        self.admission_order = 0
        #: Whether it gives its row to sequences that are for people.
        self.is_helper = False
        #: True after an engine fault that this sequence may have caused: it is then
        #: read alone.
        self.is_suspect = False
        #: Finds drafts of its next tokens.
        self.lookup = PromptLookup()

    @property
    def max_draft_tokens(self) -> int:
        """The most tokens that are worth drafting."""
        return 0

    @property
    def uncached_tokens(self) -> int:
        """Number of tokens that the model has not read yet."""
        return len(self.ids) - self.cached_tokens


S = TypeVar("S", bound=Sequence)


@dataclass(frozen=True, slots=True)
class Chunk(Generic[S]):
    """The tokens of one sequence that one step reads.

    A chunk is part of a prompt (chunked prefill) or the newest token of a reply
    (decode), perhaps with a draft of the next ones.
    """

    sequence: S
    row: int
    #: Positions in the sequence: of the first token, and one past the last.
    start: int
    stop: int
    #: Guessed tokens at its end, which the sequence does not have (speculative
    #: decoding).
    draft: tuple[int, ...] = ()

    @property
    def is_decode(self) -> bool:
        """Whether the chunk is a single token."""
        return self.stop - self.start == 1

    @property
    def is_last(self) -> bool:
        """Whether it completes the sequence, so that a new token can be sampled."""
        return self.known_stop == len(self.sequence.ids)

    @property
    def known_stop(self) -> int:
        """The position past its last token that the sequence has."""
        return self.stop - len(self.draft)

    @property
    def sampled_after(self) -> range:
        """The lengths of the sequence after which a token is sampled."""
        known_stop = self.known_stop
        is_last = known_stop == len(self.sequence.ids)
        return range(known_stop, self.stop + 1) if is_last else range(0)

    @property
    def ids(self) -> list[int]:
        """The tokens themselves, those of the draft last."""
        return [*self.sequence.ids[self.start : self.known_stop], *self.draft]


def next_chunk(sequence: S, max_tokens: int) -> Chunk[S]:
    """Return the chunk of at most ``max_tokens`` that follows the cached prefix."""
    start = sequence.cached_tokens
    stop = min(len(sequence.ids), start + max_tokens)
    return Chunk(sequence, sequence.row or 0, start, stop)


def common_prefix_tokens(one: list[int], other: list[int]) -> int:
    """Return the length of the longest common prefix of two token lists."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        # Comparing slices is much faster than comparing token by token.
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
