"""The batcher beside a store of plain lists that does what its moves say."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from worker.engine.scheduler import Batcher, Move, Sequence, common_tokens

SLOTS, ROWS, PREFILL, FIRST = 3, 5, 4, 7
#: Few different tokens, so that prompts often begin alike.
PROMPT = st.lists(st.integers(0, 1), min_size=1, max_size=20)


class Rows:
    """What a store would hold: for each row the tokens that were read into it."""

    def __init__(self) -> None:
        self.held: list[list[int]] = [[] for _ in range(ROWS)]

    def make(self, moves: list[Move]) -> None:
        for move in moves:
            source, target = self.held[move.source], self.held[move.target]
            taken, given = source[: move.tokens], target[: move.tokens]
            self.held[move.target] = taken
            if move.is_exchange:
                self.held[move.source] = given


def new_batcher() -> Batcher[Sequence]:
    return Batcher(
        slots=SLOTS, rows=ROWS, prefill_tokens=PREFILL, first_prefill_tokens=FIRST
    )


class Life(RuleBasedStateMachine):
    """Sequences come, are read and leave, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.batcher = new_batcher()
        self.rows = Rows()
        self.all: list[Sequence] = []

    @rule(prompt=PROMPT)
    def submit(self, prompt: list[int]) -> None:
        sequence = Sequence(list(prompt))
        self.all.append(sequence)
        self.batcher.waiting.append(sequence)

    @rule(token=st.integers(0, 1))
    def step(self, token: int) -> None:
        first = [*self.batcher.waiting][: SLOTS - len(self.batcher.live)]
        self.batcher.admit()
        assert all(sequence in self.batcher.live for sequence in first)
        spans = self.batcher.plan()
        self.rows.make(self.batcher.take_moves())
        assert bool(spans) == bool(self.batcher.live)
        self.check_plan(spans)
        for span in spans:
            row = self.rows.held[span.row]
            assert row[: span.start] == span.sequence.ids[: span.start]
            self.rows.held[span.row] = row[: span.start] + span.ids
        last = [span.sequence for span in spans if span.is_last]
        self.batcher.stored(spans)
        for sequence in last:
            sequence.ids.append(token)
            sequence.is_suspect = False

    def check_plan(self, spans) -> None:
        live = self.batcher.live
        suspects = [sequence for sequence in live if sequence.is_suspect]
        if suspects:
            assert [span.sequence for span in spans] == suspects[:1]
        else:
            ready = [sequence for sequence in live if sequence.unread_tokens == 1]
            assert {id(s) for s in ready} <= {id(span.sequence) for span in spans}
        decodes = sum(span.sequence.unread_tokens == 1 for span in spans)
        room = PREFILL + decodes if decodes else FIRST
        assert sum(span.stop - span.start for span in spans) - decodes <= room
        assert len({span.row for span in spans}) == len(spans)

    @precondition(lambda self: self.all)
    @rule(data=st.data())
    def leave(self, data) -> None:
        sequence = self.all.pop(data.draw(st.integers(0, len(self.all) - 1)))
        self.batcher.leave(sequence)
        assert sequence.row is None

    @precondition(lambda self: self.batcher.live)
    @rule(data=st.data())
    def suspect(self, data) -> None:
        data.draw(st.sampled_from(self.batcher.live)).is_suspect = True

    @rule()
    def lose_the_rows(self) -> None:
        self.batcher.forget_rows()
        self.rows = Rows()

    @invariant()
    def nobody_is_lost_and_no_row_shared(self) -> None:
        known = [*self.batcher.live, *self.batcher.waiting]
        assert len(known) == len(self.all)
        assert {id(s) for s in known} == {id(s) for s in self.all}
        assert [s.row for s in self.batcher.live] == [*range(len(self.batcher.live))]
        assert all(s.row is None for s in self.batcher.waiting)
        assert len(self.batcher.live) <= SLOTS

    @invariant()
    def rows_hold_what_is_said_of_them(self) -> None:
        seen = Rows()
        seen.held = [list(row) for row in self.rows.held]
        seen.make(self.batcher._moves)
        for row in range(ROWS):
            known = self.batcher._held(row)
            assert seen.held[row][: len(known)] == known

    @invariant()
    def moves_stay_in_bounds(self) -> None:
        for move in self.batcher._moves:
            assert 0 <= move.source < ROWS
            assert 0 <= move.target < ROWS
            assert move.source != move.target


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def read(batcher: Batcher[Sequence], ids: list[int]) -> int:
    """Let a sequence join, be read, and leave; how much of it was there already."""
    sequence = Sequence(list(ids))
    batcher.waiting.append(sequence)
    batcher.admit()
    found = sequence.stored_tokens
    while sequence.unread_tokens:
        batcher.stored(batcher.plan())
    batcher.leave(sequence)
    return found


def test_the_next_turn_reads_only_what_is_new() -> None:
    batcher = new_batcher()
    assert read(batcher, [1, 2, 3, 4]) == 0
    assert read(batcher, [1, 2, 3, 4, 5, 6]) == 4


def test_the_last_token_of_a_prompt_is_always_read() -> None:
    batcher = new_batcher()
    read(batcher, [1, 2, 3, 4])
    assert read(batcher, [1, 2, 3, 4]) == 3


def test_the_longest_beginning_is_taken() -> None:
    batcher = new_batcher()
    read(batcher, [1, 2, 9])
    read(batcher, [1, 2, 3, 9])
    assert read(batcher, [1, 2, 3, 4, 5]) == 3


def test_who_was_not_used_for_longest_makes_room() -> None:
    batcher = new_batcher()
    for first in range(ROWS + 1):
        read(batcher, [first, 7, 7, 7])
    assert read(batcher, [1, 7, 7, 7, 7]) == 4
    assert read(batcher, [0, 7, 7, 7, 7]) == 0


def test_a_conversation_takes_one_row_however_many_turns_it_has() -> None:
    batcher = new_batcher()
    read(batcher, [8, 8, 8])
    for turns in range(2, 12):
        read(batcher, [1] * turns)
    assert read(batcher, [8, 8, 8, 8]) == 3


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [([], [1], 0), ([1, 2], [1, 2], 2), ([1, 2, 3], [1, 9, 3], 1), ([2], [1], 0)],
)
def test_common_tokens_are_counted(
    one: list[int], other: list[int], common: int
) -> None:
    assert common_tokens(one, other) == common


def test_decisions_need_no_tensors() -> None:
    code = "import sys, worker.engine.scheduler; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
