"""Decides what each step reads and in which row of the KV cache. No tensors.

Running sequences fill the rows from 0 on without a gap, so that a step can read them as
one slice. The rows after them keep the tokens of finished sequences as a prefix cache,
from which the least recently used is evicted: the next turn of a conversation finds its
prefix there.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import count
from typing import Generic

from worker.engine.prefill_budget import PrefillBudget
from worker.engine.sequence import Chunk, S, common_prefix_tokens, next_chunk


@dataclass(frozen=True, slots=True)
class RowCopy:
    """Copies the first ``tokens`` of one row to another, or swaps them."""

    source: int
    target: int
    tokens: int
    is_swap: bool = False


@dataclass(frozen=True, slots=True)
class CachedRow:
    """The tokens in a row that no running sequence uses."""

    ids: list[int]
    #: When its sequence finished, on the scheduler's counter; the smallest is evicted.
    finished_at: int


EMPTY_ROW = CachedRow([], -1)


class Scheduler(Generic[S]):
    """Assigns rows to sequences and sequences to steps. Used by one thread."""

    def __init__(
        self,
        *,
        max_running: int,
        rows: int,
        prefill: PrefillBudget,
    ) -> None:
        """Start with empty rows; ``rows`` is at least ``max_running``.

        ``prefill`` decides how many prompt tokens a step reads.
        """
        self.max_running = max_running
        self.rows = rows
        self._prefill = prefill
        #: ``running[row]`` is the sequence in that row.
        self.running: list[S] = []
        self.waiting: deque[S] = deque()
        self._cached = [EMPTY_ROW] * rows
        self._row_copies: list[RowCopy] = []
        self._counter = count()

    def admit(self) -> None:
        """Give rows to the sequences that waited longest, while there is room.

        Helper jobs come last, and give their rows to the others.
        """
        while self.waiting:
            first = next((s for s in self.waiting if not s.is_helper), self.waiting[0])
            if len(self.running) >= self.max_running and (
                first.is_helper or not self._preempt()
            ):
                return
            # Other threads ask whether any sequence is left: it joins one list before
            # it leaves the other.
            self._admit(first)
            self.waiting.remove(first)

    def schedule(self) -> list[Chunk[S]]:
        """Return what to read next: one token of each reply, and some prompt tokens.

        The prompts share their tokens evenly, so that a short one does not wait for a
        long one, and prompts that came together begin together. Helper jobs pause while
        a prompt of a person is read.

        Suspect sequences are read one at a time, without any other beside them.
        """
        suspects = [sequence for sequence in self.running if sequence.is_suspect]
        chosen = suspects[:1] or self._without_paused()
        chunks = [next_chunk(s, 1) for s in chosen if s.uncached_tokens == 1]
        prompts = [s for s in chosen if s.uncached_tokens > 1]
        if prompts:
            prompts.sort(key=lambda s: s.admission_order)
            most = self._prefill.tokens(
                replies=len(chunks),
                prompts=len(prompts),
                is_for_people=not all(s.is_helper for s in prompts),
            )
            shares = fair_shares([s.uncached_tokens for s in prompts], most)
            pairs = zip(prompts, shares, strict=True)
            chunks += [next_chunk(s, share) for s, share in pairs if share]
        return chunks

    def _without_paused(self) -> list[S]:
        people = [sequence for sequence in self.running if not sequence.is_helper]
        is_reading = any(sequence.uncached_tokens > 1 for sequence in people)
        return people if is_reading else self.running

    def take_row_copies(self) -> list[RowCopy]:
        """Return the copies to make, in this order, before the next step."""
        copies, self._row_copies = self._row_copies, []
        return copies

    def mark_cached(self, chunks: list[Chunk[S]]) -> None:
        """Record that a step has read these chunks into their rows.

        A draft counts only as far as the sequence takes it over.
        """
        for chunk in chunks:
            chunk.sequence.cached_tokens = chunk.known_stop

    def remove(self, sequence: S) -> None:
        """Take out a sequence, running or waiting; its row keeps its tokens."""
        if sequence.row is None:
            self.waiting.remove(sequence)
        else:
            self._leave_row(sequence)

    def _leave_row(self, sequence: S) -> None:
        row, last = sequence.row or 0, self.running.pop()
        last_row = len(self.running)
        if last is not sequence:
            # The last running row moves into the gap.
            self._swap_rows(row, last_row, sequence.cached_tokens, last.cached_tokens)
            self.running[row], last.row = last, row
        tokens = sequence.ids[: sequence.cached_tokens]
        self._cached[last_row] = CachedRow(tokens, next(self._counter))
        sequence.row = None

    def reset_cache(self) -> None:
        """Record that all rows lost their content: running sequences are read again."""
        self._cached = [EMPTY_ROW] * self.rows
        self._row_copies.clear()
        for sequence in self.running:
            sequence.cached_tokens = 0

    def _preempt(self) -> bool:
        """Take the row of the helper job that came last; False if there is none.

        It waits before the other helper jobs. The row keeps its tokens as long as no
        other sequence needs it, so most of them are not read again.
        """
        helpers = [sequence for sequence in self.running if sequence.is_helper]
        if not helpers:
            return False
        last = max(helpers, key=lambda sequence: sequence.admission_order)
        self.waiting.appendleft(last)
        self._leave_row(last)
        return True

    def _admit(self, sequence: S) -> None:
        """Put a sequence into the first row after the running ones.

        The row that holds the longest prefix of it is taken over or copied.
        """
        row = len(self.running)
        source, tokens = self._longest_cached_prefix(sequence.ids)
        oldest = min(range(row, self.rows), key=lambda r: self._cached[r].finished_at)
        is_whole_row = source >= row and tokens == len(self._cached[source].ids)
        if tokens and (is_whole_row or source == oldest):
            self._swap_cached(source, row)
        else:
            self._move_cached(row, oldest)
            if tokens and source != row:
                self._row_copies.append(RowCopy(source, row, tokens))
        self._cached[row] = EMPTY_ROW
        sequence.row, sequence.cached_tokens = row, tokens
        sequence.admission_order = next(self._counter)
        self.running.append(sequence)

    def _longest_cached_prefix(self, ids: list[int]) -> tuple[int, int]:
        """Return the row with the longest prefix of ``ids``, and its length.

        The last token is never taken from the cache: its logits give the next one.
        """
        best = (0, 0)
        for row in range(self.rows):
            tokens = common_prefix_tokens(self._row_tokens(row), ids[:-1])
            if tokens > best[1]:
                best = (row, tokens)
        return best

    def _row_tokens(self, row: int) -> list[int]:
        if row < len(self.running):
            sequence = self.running[row]
            return sequence.ids[: sequence.cached_tokens]
        return self._cached[row].ids

    def _swap_cached(self, first: int, second: int) -> None:
        if first == second:
            return
        one, other = self._cached[first], self._cached[second]
        self._swap_rows(first, second, len(one.ids), len(other.ids))
        self._cached[first], self._cached[second] = other, one

    def _move_cached(self, source: int, target: int) -> None:
        """Move the cached tokens of a row to another row, whose own are lost."""
        if source != target:
            self._cached[target] = self._cached[source]
            if tokens := len(self._cached[source].ids):
                self._row_copies.append(RowCopy(source, target, tokens))

    def _swap_rows(self, first: int, second: int, one: int, other: int) -> None:
        """Swap the content of two rows, which hold ``one`` and ``other`` tokens."""
        if one and other:
            swap = RowCopy(first, second, max(one, other), is_swap=True)
            self._row_copies.append(swap)
        elif one:
            self._row_copies.append(RowCopy(first, second, one))
        elif other:
            self._row_copies.append(RowCopy(second, first, other))


def fair_shares(needs: list[int], total: int) -> list[int]:
    """Divide ``total`` evenly among ``needs``, none of which gets more than it needs.

    What small needs leave is divided among the others; what cannot be divided goes to
    the largest, of equal ones to the first. (Max-min fairness.)
    """
    shares = [0] * len(needs)
    by_need = sorted(range(len(needs)), key=lambda n: (needs[n], -n))
    for done, n in enumerate(by_need):
        shares[n] = min(needs[n], total // (len(needs) - done))
        total -= shares[n]
    return shares
