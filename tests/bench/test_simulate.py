"""What many people need, computed from costs."""

from __future__ import annotations

import math

import pytest

from bench.simulate import (
    FULL,
    WAIT_SECONDS,
    Costs,
    mean_cores,
    mean_wait,
    most_people,
    needs,
)


def test_one_row_waits_as_the_textbook_says() -> None:
    """M/M/1: load / (rate of service - rate of arrival)."""
    assert mean_wait(0.5, 1, rows=1) == pytest.approx(1)
    assert mean_wait(0.9, 1, rows=1) == pytest.approx(9)


def test_many_rows_wait_less_at_the_same_load_and_full_ones_forever() -> None:
    assert mean_wait(8, 1, rows=10) < mean_wait(0.8, 1, rows=1) / 10
    assert mean_wait(2, 1, rows=2) == math.inf


@pytest.mark.parametrize("people", [10, 1_000, 100_000, 1_000_000])
def test_workers_are_the_fewest_with_which_the_wait_is_short(people: float) -> None:
    costs = Costs()
    found = needs(people, costs)
    rows = int(found.workers) * costs.rows
    rate, seconds = found.replies_per_second, costs.reply_seconds
    assert mean_wait(rate, seconds, rows) <= WAIT_SECONDS
    if people < 200_000 and found.workers > 1:  # above, they are found in steps
        assert mean_wait(rate, seconds, rows - costs.rows) > WAIT_SECONDS


def test_a_part_is_full_for_the_people_that_it_suffices_for() -> None:
    costs = Costs()
    people = most_people("Redis", 1, costs)
    assert mean_cores(people, costs)["Redis"] == pytest.approx(FULL, rel=0.01)
