"""The prefill budget on simulated machines, whose steps take a known time."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.engine.prefill_budget import (
    EVEN_SECONDS,
    FIRST_STEP_SECONDS,
    MAX_STEP_FACTOR,
    MAX_SURPRISE,
    MAX_TOKENS,
    MIN_TOKENS,
    NEWEST_WEIGHT,
    STEP_FACTOR,
    UNMEASURED_FIRST_TOKENS,
    UNMEASURED_TOKENS,
    FixedBudget,
    MeasuredBudget,
)
from worker.engine.scheduler import Scheduler
from worker.engine.sequence import Sequence

#: What the averages may be off after some steps.
TOLERANCE = 1.05


@dataclass(frozen=True)
class Machine:
    """Seconds of a step: for itself, for each reply, and for each prompt token."""

    step: float
    reply: float
    token: float

    def seconds(self, replies: int, prompt_tokens: int) -> float:
        return self.step + self.reply * replies + self.token * prompt_tokens


#: Two cores with the weights in float32, the same in int8, and a much slower one.
FLOAT32 = Machine(0.090, 0.0085, 0.0027)
INT8 = Machine(0.005, 0.0025, 0.0016)
SLOW = Machine(0.500, 0.0500, 0.0100)
MACHINES = [FLOAT32, INT8, SLOW]


def learned(machine: Machine, replies: int, prompts: int = 1) -> MeasuredBudget:
    """A budget that saw some steps with and without prompts and replies."""
    budget = MeasuredBudget()
    for _ in range(30):
        first = budget.tokens(replies=0, prompts=prompts)
        budget.add(machine.seconds(0, first), replies=0, prompt_tokens=first)
        budget.add(machine.seconds(replies, 0), replies=replies, prompt_tokens=0)
        beside = budget.tokens(replies=replies, prompts=prompts)
        seconds = machine.seconds(replies, beside)
        budget.add(seconds, replies=replies, prompt_tokens=beside)
    return budget


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("replies", [1, 8, 32])
def test_prompts_fill_the_time_of_a_step_and_no_more(
    machine: Machine, replies: int
) -> None:
    tokens = learned(machine, replies).tokens(replies=replies, prompts=1)
    allowed = max(EVEN_SECONDS, STEP_FACTOR * machine.seconds(replies, 0))
    assert MIN_TOKENS < tokens < MAX_TOKENS
    assert machine.seconds(replies, tokens) <= TOLERANCE * allowed
    assert machine.seconds(replies, tokens + 1) >= allowed / TOLERANCE


def test_many_prompts_beside_few_replies_get_more() -> None:
    alone = FLOAT32.seconds(4, 0)
    few = learned(FLOAT32, 4, prompts=4).tokens(replies=4, prompts=4)
    more = learned(FLOAT32, 4, prompts=12).tokens(replies=4, prompts=12)
    most = learned(FLOAT32, 4, prompts=28).tokens(replies=4, prompts=28)
    assert few < more < most
    assert FLOAT32.seconds(4, most) <= TOLERANCE * MAX_STEP_FACTOR * alone


@pytest.mark.parametrize("machine", MACHINES)
def test_a_step_without_replies_has_a_time_too(machine: Machine) -> None:
    tokens = learned(machine, 1).tokens(replies=0, prompts=1)
    assert machine.seconds(0, tokens) <= TOLERANCE * FIRST_STEP_SECONDS + machine.step


def test_before_any_measurement_the_budget_is_a_fixed_one() -> None:
    budget = MeasuredBudget()
    assert budget.tokens(replies=0, prompts=1) == UNMEASURED_FIRST_TOKENS
    assert budget.tokens(replies=3, prompts=1) == UNMEASURED_TOKENS + 3
    # A clock that stands still measures nothing.
    budget.add(0.0, replies=3, prompt_tokens=0)
    budget.add(0.0, replies=0, prompt_tokens=200)
    assert budget.tokens(replies=3, prompts=1) == UNMEASURED_TOKENS + 3


def test_a_short_first_prompt_does_not_make_tokens_look_dear() -> None:
    budget = MeasuredBudget()
    budget.add(FLOAT32.seconds(0, 3), replies=0, prompt_tokens=3)
    assert budget.tokens(replies=0, prompts=1) == UNMEASURED_FIRST_TOKENS


def test_a_single_pause_changes_little() -> None:
    budget = learned(FLOAT32, 8)
    before = budget.tokens(replies=8, prompts=1)
    budget.add(60.0, replies=8, prompt_tokens=before)
    after = budget.tokens(replies=8, prompts=1)
    assert before / MAX_SURPRISE**NEWEST_WEIGHT - 1 <= after < before


def test_the_budget_follows_a_machine_that_becomes_slower_while_prompts_join() -> None:
    budget = learned(FLOAT32, 8)
    slower = Machine(*(2 * part for part in (0.090, 0.0085, 0.0027)))
    for _ in range(40):
        # All the time a prompt is read: no step shows the replies by themselves.
        tokens = budget.tokens(replies=8, prompts=1)
        budget.add(slower.seconds(8, tokens), replies=8, prompt_tokens=tokens)
    alone = slower.seconds(8, 0)
    tokens = budget.tokens(replies=8, prompts=1)
    assert 1.2 * alone <= slower.seconds(8, tokens) <= TOLERANCE * STEP_FACTOR * alone


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1e6, allow_nan=False), st.integers(0, 40), st.integers(0, 600)
        ),
        max_size=60,
    ),
    st.integers(0, 40),
    st.integers(1, 40),
)
def test_every_step_reads_some_tokens_and_never_too_many(
    steps: list[tuple[float, int, int]], replies: int, prompts: int
) -> None:
    budget = MeasuredBudget()
    for seconds, beside, tokens in steps:
        budget.add(seconds, replies=beside, prompt_tokens=tokens)
    assert 1 <= budget.tokens(replies=replies, prompts=prompts) <= MAX_TOKENS


def longest_gap(budget: MeasuredBudget | FixedBudget, machine: Machine) -> float:
    """Eight replies are written while four prompts of 900 tokens join, one by one."""
    scheduler: Scheduler[Sequence] = Scheduler(max_running=12, rows=12, prefill=budget)
    for n in range(8):
        scheduler.waiting.append(Sequence([n, 50]))
    gaps: list[float] = []
    for step in range(400):
        if step in (40, 120, 200, 280):
            scheduler.waiting.append(Sequence([step] * 900))
        scheduler.admit()
        chunks = scheduler.schedule()
        scheduler.mark_cached(chunks)
        replies = sum(chunk.is_decode for chunk in chunks)
        tokens = sum(chunk.stop - chunk.start for chunk in chunks) - replies
        gaps.append(machine.seconds(replies, tokens))
        budget.add(gaps[-1], replies=replies, prompt_tokens=tokens)
        for chunk in [chunk for chunk in chunks if chunk.is_last]:
            chunk.sequence.ids.append(1)
            if len(chunk.sequence.ids) > 900:
                scheduler.remove(chunk.sequence)
    assert not [s for s in scheduler.running if s.uncached_tokens > 1]
    return sorted(gaps[40:])[int(0.95 * len(gaps[40:]))]


@pytest.mark.parametrize("machine", MACHINES)
def test_gaps_while_long_prompts_join_are_bounded(machine: Machine) -> None:
    allowed = max(EVEN_SECONDS, STEP_FACTOR * machine.seconds(12, 0))
    assert longest_gap(MeasuredBudget(), machine) <= TOLERANCE * allowed


def test_gaps_are_no_longer_than_those_of_twenty_tokens_a_step() -> None:
    fixed = FixedBudget(beside_replies=20, first=256)
    before = longest_gap(fixed, FLOAT32)
    assert longest_gap(MeasuredBudget(), FLOAT32) <= TOLERANCE * before


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("replies", [0, 1, 7])
def test_a_person_who_joins_waits_shortly_for_prompts_of_helper_jobs(
    machine: Machine, replies: int
) -> None:
    prompts = 8 - replies
    budget = learned(machine, 8)
    tokens = budget.tokens(replies=replies, prompts=prompts, is_for_people=False)
    decode = machine.seconds(8, 0)
    least = machine.seconds(replies, MIN_TOKENS)
    longest = max(STEP_FACTOR * decode, least)
    assert machine.seconds(replies, tokens) <= TOLERANCE * longest
