"""The arithmetic of limits: tables, and what holds for all times and counts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.services.limits.token_bucket import TokenBucket
from tests.environment import IS_SOAK

NOW = 1_800_000_000.0
DAY = 86_400
THIRTY_A_DAY = TokenBucket(30, DAY)
MINUTES = 60

limits = st.integers(1, 10**9)
periods = st.sampled_from([60, 3600, DAY])
gaps = st.lists(
    st.tuples(st.floats(0, 2 * DAY), st.integers(1, 4)),
    max_size=200 if IS_SOAK else 60,
)


@pytest.mark.parametrize(
    ("taken", "left", "next_minutes"),
    [(0, 30, 0), (1, 29, 0), (18, 12, 0), (29, 1, 0), (30, 0, 48), (31, 0, 96)],
)
def test_what_is_left_of_thirty_a_day(taken: int, left: int, next_minutes: int) -> None:
    full_at = THIRTY_A_DAY.after(NOW - 5, NOW, taken)
    assert THIRTY_A_DAY.remaining(full_at, NOW) == left
    wait = THIRTY_A_DAY.wait_seconds(full_at, NOW)
    assert wait == pytest.approx(next_minutes * MINUTES, abs=1)


@pytest.mark.parametrize(
    ("minutes", "left"), [(0, 0), (47, 0), (48, 1), (96, 2), (60 * 24, 30), (10**6, 30)]
)
def test_it_comes_back_evenly(minutes: int, left: int) -> None:
    full_at = THIRTY_A_DAY.after(NOW, NOW, 30)
    assert THIRTY_A_DAY.remaining(full_at, NOW + minutes * MINUTES) == left


@pytest.mark.parametrize(
    ("count", "wait_minutes"), [(1, 0), (2, 0), (3, 48), (4, 96), (30, 48 * 28)]
)
def test_several_at_once_wait_until_all_of_them_are_there(
    count: int, wait_minutes: int
) -> None:
    full_at = THIRTY_A_DAY.after(NOW, NOW, 28)
    wait = THIRTY_A_DAY.wait_seconds(full_at, NOW, count)
    assert wait == pytest.approx(wait_minutes * MINUTES, abs=1)


def test_more_than_the_limit_is_given_where_nothing_was_taken() -> None:
    bucket = TokenBucket(2, 60)
    assert bucket.wait_seconds(NOW, NOW, 4) == 0
    full_at = bucket.after(NOW, NOW, 4)
    assert bucket.wait_seconds(full_at, NOW) == pytest.approx(60)


def test_a_debt_is_forgiven_so_far_that_a_period_brings_one_back() -> None:
    bucket = TokenBucket(1000, DAY)
    full_at = bucket.after(NOW, NOW, 10**6)
    assert bucket.remaining(full_at, NOW) == 0
    assert bucket.wait_seconds(full_at, NOW) == pytest.approx(DAY)
    assert bucket.remaining(full_at, NOW + DAY) == 1


@settings(deadline=None)
@given(limits, periods, gaps)
def test_who_takes_what_is_left_never_gets_more_than_the_rate(
    limit: int, period: float, gaps: list[tuple[float, int]]
) -> None:
    """Whatever is asked for and when: no more than the limit at once, and as many
    besides as came back meanwhile."""
    bucket, now, full_at, taken = TokenBucket(limit, period), NOW, 0.0, 0
    for gap, count in gaps:
        now += gap
        if count <= limit and bucket.wait_seconds(full_at, now, count) == 0:
            full_at = bucket.after(full_at, now, count)
            taken += count
        came_back = (now - NOW) / bucket.interval_seconds
        assert taken <= limit + came_back * (1 + 1e-9) + 0.5


@settings(deadline=None)
@given(limits, periods, gaps)
def test_after_the_wait_that_is_told_it_is_there(
    limit: int, period: float, gaps: list[tuple[float, int]]
) -> None:
    bucket, now, full_at = TokenBucket(limit, period), NOW, 0.0
    for gap, count in gaps:
        now += gap
        full_at = bucket.after(full_at, now, count * limit)
        wait = bucket.wait_seconds(full_at, now, count)
        assert 0 <= wait <= 2 * period
        assert bucket.wait_seconds(full_at, now + wait + 1e-6, count) == 0
        assert bucket.remaining(full_at, now + wait + 1e-6) >= min(count, limit)


@settings(deadline=None)
@given(limits, periods, st.floats(-DAY, 3 * DAY))
def test_less_is_left_the_more_was_taken_and_more_the_more_time_went_by(
    limit: int, period: float, ahead: float
) -> None:
    bucket, full_at = TokenBucket(limit, period), NOW + ahead
    left = bucket.remaining(full_at, NOW)
    assert 0 <= left <= limit
    assert bucket.remaining(bucket.after(full_at, NOW, 1), NOW) <= left
    assert bucket.remaining(full_at, NOW + 60) >= left
    assert bucket.remaining(full_at, NOW + ahead) == limit
