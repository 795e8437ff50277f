"""The scheduler beside rows of plain lists, on which its copies are carried out."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.environment import IS_SOAK
from worker.engine.prefill_budget import FixedBudget
from worker.engine.scheduler import RowCopy, Scheduler, fair_shares
from worker.engine.sequence import Sequence, common_prefix_tokens

MAX_RUNNING, ROWS, PREFILL, FIRST = 3, 5, 4, 7
#: Only two different tokens, so that prompts often have common prefixes.
PROMPT = st.lists(st.integers(0, 1), min_size=1, max_size=20)


class Rows:
    """The content of a KV cache: the tokens that were read into each row."""

    def __init__(self) -> None:
        self.held: list[list[int]] = [[] for _ in range(ROWS)]

    def apply(self, copies: list[RowCopy]) -> None:
        for copy in copies:
            source, target = self.held[copy.source], self.held[copy.target]
            taken, given = source[: copy.tokens], target[: copy.tokens]
            self.held[copy.target] = taken
            if copy.is_swap:
                self.held[copy.source] = given


def new_scheduler() -> Scheduler[Sequence]:
    return Scheduler(
        max_running=MAX_RUNNING,
        rows=ROWS,
        prefill=FixedBudget(beside_replies=PREFILL, first=FIRST),
    )


class SchedulerMachine(RuleBasedStateMachine):
    """Sequences are submitted, read and removed in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.scheduler = new_scheduler()
        self.rows = Rows()
        self.all: list[Sequence] = []

    @rule(prompt=PROMPT)
    def submit(self, prompt: list[int]) -> None:
        sequence = Sequence(list(prompt))
        self.all.append(sequence)
        self.scheduler.waiting.append(sequence)

    @rule(token=st.integers(0, 1))
    def step(self, token: int) -> None:
        first = [*self.scheduler.waiting][: MAX_RUNNING - len(self.scheduler.running)]
        self.scheduler.admit()
        assert all(sequence in self.scheduler.running for sequence in first)
        chunks = self.scheduler.schedule()
        self.rows.apply(self.scheduler.take_row_copies())
        assert bool(chunks) == bool(self.scheduler.running)
        self.check_chunks(chunks)
        for chunk in chunks:
            row = self.rows.held[chunk.row]
            assert row[: chunk.start] == chunk.sequence.ids[: chunk.start]
            self.rows.held[chunk.row] = row[: chunk.start] + chunk.ids
        last = [chunk.sequence for chunk in chunks if chunk.is_last]
        self.scheduler.mark_cached(chunks)
        for sequence in last:
            sequence.ids.append(token)
            sequence.is_suspect = False

    def check_chunks(self, chunks) -> None:
        live = self.scheduler.running
        suspects = [sequence for sequence in live if sequence.is_suspect]
        if suspects:
            assert [chunk.sequence for chunk in chunks] == suspects[:1]
        else:
            ready = [sequence for sequence in live if sequence.uncached_tokens == 1]
            assert {id(s) for s in ready} <= {id(chunk.sequence) for chunk in chunks}
        decodes = sum(chunk.sequence.uncached_tokens == 1 for chunk in chunks)
        room = PREFILL + decodes if decodes else FIRST
        assert sum(chunk.stop - chunk.start for chunk in chunks) - decodes <= room
        assert len({chunk.row for chunk in chunks}) == len(chunks)

    @precondition(lambda self: self.all)
    @rule(data=st.data())
    def remove(self, data) -> None:
        sequence = self.all.pop(data.draw(st.integers(0, len(self.all) - 1)))
        self.scheduler.remove(sequence)
        assert sequence.row is None

    @precondition(lambda self: self.scheduler.running)
    @rule(data=st.data())
    def suspect(self, data) -> None:
        data.draw(st.sampled_from(self.scheduler.running)).is_suspect = True

    @rule()
    def reset_the_cache(self) -> None:
        self.scheduler.reset_cache()
        self.rows = Rows()

    @invariant()
    def every_sequence_has_at_most_one_place(self) -> None:
        known = [*self.scheduler.running, *self.scheduler.waiting]
        assert len(known) == len(self.all)
        assert {id(s) for s in known} == {id(s) for s in self.all}
        assert [s.row for s in self.scheduler.running] == [
            *range(len(self.scheduler.running))
        ]
        assert all(s.row is None for s in self.scheduler.waiting)
        assert len(self.scheduler.running) <= MAX_RUNNING

    @invariant()
    def rows_hold_the_tokens_that_the_scheduler_assumes(self) -> None:
        seen = Rows()
        seen.held = [list(row) for row in self.rows.held]
        seen.apply(self.scheduler._row_copies)
        for row in range(ROWS):
            known = self.scheduler._row_tokens(row)
            assert seen.held[row][: len(known)] == known

    @invariant()
    def copies_stay_within_the_rows(self) -> None:
        for copy in self.scheduler._row_copies:
            assert 0 <= copy.source < ROWS
            assert 0 <= copy.target < ROWS
            assert copy.source != copy.target


TestSchedulerMachine = SchedulerMachine.TestCase
TestSchedulerMachine.settings = settings(
    max_examples=400 if IS_SOAK else 60, stateful_step_count=40, deadline=None
)


def read(scheduler: Scheduler[Sequence], ids: list[int]) -> int:
    """Admit, read and remove a sequence; return the cached tokens it began with."""
    sequence = Sequence(list(ids))
    scheduler.waiting.append(sequence)
    scheduler.admit()
    found = sequence.cached_tokens
    while sequence.uncached_tokens:
        scheduler.mark_cached(scheduler.schedule())
    scheduler.remove(sequence)
    return found


def test_the_next_turn_reads_only_new_tokens() -> None:
    scheduler = new_scheduler()
    assert read(scheduler, [1, 2, 3, 4]) == 0
    assert read(scheduler, [1, 2, 3, 4, 5, 6]) == 4


def test_the_last_token_of_a_prompt_is_always_read() -> None:
    scheduler = new_scheduler()
    read(scheduler, [1, 2, 3, 4])
    assert read(scheduler, [1, 2, 3, 4]) == 3


def test_the_longest_cached_prefix_is_used() -> None:
    scheduler = new_scheduler()
    read(scheduler, [1, 2, 9])
    read(scheduler, [1, 2, 3, 9])
    assert read(scheduler, [1, 2, 3, 4, 5]) == 3


def test_the_least_recently_used_row_is_evicted() -> None:
    scheduler = new_scheduler()
    for first in range(ROWS + 1):
        read(scheduler, [first, 7, 7, 7])
    assert read(scheduler, [1, 7, 7, 7, 7]) == 4
    assert read(scheduler, [0, 7, 7, 7, 7]) == 0


def test_a_conversation_takes_one_row_however_many_turns_it_has() -> None:
    scheduler = new_scheduler()
    read(scheduler, [8, 8, 8])
    for turns in range(2, 12):
        read(scheduler, [1] * turns)
    assert read(scheduler, [8, 8, 8, 8]) == 3


def test_prompts_that_wait_share_the_first_step() -> None:
    scheduler = new_scheduler()
    prompts = [Sequence([n] * size) for n, size in enumerate((20, 2, 20))]
    scheduler.waiting.extend(prompts)
    scheduler.admit()
    chunks = scheduler.schedule()
    assert [c.sequence for c in chunks] == prompts
    assert [c.stop - c.start for c in chunks] == [3, 2, 2]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=12), st.integers(1, 200))
def test_shares_are_even_and_use_everything(needs: list[int], total: int) -> None:
    shares = fair_shares(needs, total)
    assert sum(shares) == min(total, sum(needs))
    for share, need in zip(shares, needs, strict=True):
        assert 0 <= share <= need
        # A prompt that gets less than it needs gets as much as any other, up to one token.
        assert share == need or share >= max(shares) - 1


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [([], [1], 0), ([1, 2], [1, 2], 2), ([1, 2, 3], [1, 9, 3], 1), ([2], [1], 0)],
)
def test_common_prefix_tokens_are_counted(
    one: list[int], other: list[int], common: int
) -> None:
    assert common_prefix_tokens(one, other) == common


def test_the_scheduler_imports_no_torch() -> None:
    code = "import sys, worker.engine.scheduler; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_helper_jobs_pause_while_the_prompt_of_a_person_is_read() -> None:
    scheduler = new_scheduler()
    helper, person = Sequence([0]), Sequence([1] * (FIRST + 1))
    helper.is_helper = True
    scheduler.waiting.extend([helper, person])
    read = []
    for _ in range(3):
        scheduler.admit()
        chunks = scheduler.schedule()
        scheduler.mark_cached(chunks)
        for chunk in chunks:
            if chunk.is_last:
                chunk.sequence.ids.append(0)
        read.append({chunk.sequence: chunk.stop - chunk.start for chunk in chunks})
    assert read == [{person: FIRST}, {person: 1, helper: 1}, {person: 1, helper: 1}]
