"""Who is read in the next step, and in which row: decisions only, no tensors.

Live sequences fill the rows from 0 on without a gap, so that a step can take them as
one slice. The rows behind them keep what ended there, for the next turn of the same
conversation, until somebody needs the room: least recently used first.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar


class Sequence:
    """The tokens of one reply, and how many of them its row holds."""

    def __init__(self, ids: list[int]) -> None:
        #: The prompt, then the reply.
        self.ids = ids
        #: Where its keys and values are; None while it waits.
        self.row: int | None = None
        #: The first so many of ``ids`` were read: their keys and values are there.
        self.stored_tokens = 0
        #: Order of admission.
        self.arrival = 0
        #: True after a fault that may have been its own: it is read alone then.
        self.is_suspect = False

    @property
    def unread_tokens(self) -> int:
        return len(self.ids) - self.stored_tokens


S = TypeVar("S", bound=Sequence)


@dataclass(frozen=True, slots=True)
class Move:
    """Copies the first ``tokens`` of a row to another one, or exchanges them."""

    source: int
    target: int
    tokens: int
    is_exchange: bool = False


@dataclass(frozen=True, slots=True)
class Span(Generic[S]):
    """The tokens of one sequence that one step reads."""

    sequence: S
    row: int
    #: Positions in the sequence: of the first token, and behind the last.
    start: int
    stop: int

    @property
    def is_decode(self) -> bool:
        return self.stop - self.start == 1

    @property
    def is_last(self) -> bool:
        """Whether all is read with it, so that a new token can be chosen."""
        return self.stop == len(self.sequence.ids)

    @property
    def ids(self) -> list[int]:
        return self.sequence.ids[self.start : self.stop]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a row holds that nobody reads at present."""

    ids: list[int]
    #: When it was left; the smallest goes first.
    left_at: int


EMPTY = Kept([], -1)


class Batcher(Generic[S]):
    """Rows for sequences, and sequences for steps. Used by one thread."""

    def __init__(
        self, *, slots: int, rows: int, prefill_tokens: int, first_prefill_tokens: int
    ) -> None:
        """``slots``: most live sequences; ``rows``: at least as many.

        A step reads at most ``prefill_tokens`` of prompts, and one more for every
        reply that is being written: about what the replies cost by themselves, which
        bounds the gaps in their text. With no reply being written it reads
        ``first_prefill_tokens``.
        """
        self.slots = slots
        self.rows = rows
        self._prefill_tokens = prefill_tokens
        self._first_prefill_tokens = first_prefill_tokens
        #: ``live[row]`` is the sequence in that row.
        self.live: list[S] = []
        self.waiting: deque[S] = deque()
        self._kept = [EMPTY] * rows
        self._moves: list[Move] = []
        self._clock = count()

    def admit(self) -> None:
        """Let those who waited longest join while there is room."""
        while self.waiting and len(self.live) < self.slots:
            # It stands in one of both all the while: others ask whether there is any.
            self._join(self.waiting[0])
            self.waiting.popleft()

    def plan(self) -> list[Span[S]]:
        """What to read next: a token of each reply, and some of the prompts.

        Sequences under suspicion are read one at a time, and nobody beside them.
        """
        suspects = [sequence for sequence in self.live if sequence.is_suspect]
        chosen = suspects[:1] or self.live
        spans = [_span(s, 1) for s in chosen if s.unread_tokens == 1]
        room = self._first_prefill_tokens
        if spans:
            room = self._prefill_tokens + len(spans)
        for sequence in sorted(chosen, key=lambda s: s.arrival):
            if sequence.unread_tokens > 1 and room > 0:
                spans.append(_span(sequence, room))
                room -= spans[-1].stop - spans[-1].start
        return spans

    def take_moves(self) -> list[Move]:
        """The moves that must be made, in this order, before the next step."""
        moves, self._moves = self._moves, []
        return moves

    def stored(self, spans: list[Span[S]]) -> None:
        """The step was made: the rows hold what it read."""
        for span in spans:
            span.sequence.stored_tokens = span.stop

    def leave(self, sequence: S) -> None:
        """End a sequence, live or waiting; what its row holds is kept."""
        if sequence.row is None:
            self.waiting.remove(sequence)
            return
        row, last = sequence.row, self.live.pop()
        last_row = len(self.live)
        if last is not sequence:
            # Rows stay without a gap: the last one takes the place.
            stored = sequence.stored_tokens, last.stored_tokens
            self._exchange_rows(row, last_row, *stored)
            self.live[row], last.row = last, row
        kept = sequence.ids[: sequence.stored_tokens]
        self._kept[last_row] = Kept(kept, next(self._clock))
        sequence.row = None

    def forget_rows(self) -> None:
        """The rows lost what they held: whoever is live is read again."""
        self._kept = [EMPTY] * self.rows
        self._moves.clear()
        for sequence in self.live:
            sequence.stored_tokens = 0

    def _join(self, sequence: S) -> None:
        """Put a sequence in the first row behind the live ones.

        Whatever row holds the longest beginning of it lends that.
        """
        row = len(self.live)
        source, tokens = self._beginning(sequence.ids)
        oldest = min(range(row, self.rows), key=lambda r: self._kept[r].left_at)
        is_all_taken = source >= row and tokens == len(self._kept[source].ids)
        if tokens and (is_all_taken or source == oldest):
            self._swap_kept(source, row)
        else:
            self._move_kept(row, oldest)
            if tokens and source != row:
                self._moves.append(Move(source, row, tokens))
        self._kept[row] = EMPTY
        sequence.row, sequence.stored_tokens = row, tokens
        sequence.arrival = next(self._clock)
        self.live.append(sequence)

    def _beginning(self, ids: list[int]) -> tuple[int, int]:
        """The row that holds most of the beginning of ``ids``, and how much of it.

        The last token is always read anew: what comes next is chosen after it.
        """
        found = (0, 0)
        for row in range(self.rows):
            tokens = common_tokens(self._held(row), ids[:-1])
            if tokens > found[1]:
                found = (row, tokens)
        return found

    def _held(self, row: int) -> list[int]:
        if row < len(self.live):
            sequence = self.live[row]
            return sequence.ids[: sequence.stored_tokens]
        return self._kept[row].ids

    def _swap_kept(self, first: int, second: int) -> None:
        if first == second:
            return
        one, other = self._kept[first], self._kept[second]
        self._exchange_rows(first, second, len(one.ids), len(other.ids))
        self._kept[first], self._kept[second] = other, one

    def _move_kept(self, source: int, target: int) -> None:
        """Save what a row keeps into another one, which loses its own."""
        if source != target:
            self._kept[target] = self._kept[source]
            if tokens := len(self._kept[source].ids):
                self._moves.append(Move(source, target, tokens))

    def _exchange_rows(self, first: int, second: int, one: int, other: int) -> None:
        """Exchange what two rows hold: ``one`` and ``other`` tokens."""
        if one and other:
            self._moves.append(Move(first, second, max(one, other), is_exchange=True))
        elif one:
            self._moves.append(Move(first, second, one))
        elif other:
            self._moves.append(Move(second, first, other))


def common_tokens(one: list[int], other: list[int]) -> int:
    """How many tokens two sequences have in common from their beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        # Whole slices are compared, which is much faster than token by token.
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _span(sequence: S, most_tokens: int) -> Span[S]:
    start = sequence.stored_tokens
    stop = min(len(sequence.ids), start + most_tokens)
    return Span(sequence, sequence.row or 0, start, stop)
