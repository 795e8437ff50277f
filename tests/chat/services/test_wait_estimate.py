from __future__ import annotations

import pytest

from chat.services.wait_estimate import AT_ONCE, estimate_wait, seconds_between_ends
from chat.wording.replies import duration_range
from chatsite import wire


def worker(stage: wire.Stage = wire.Stage.READY, **said: float) -> wire.Announcement:
    return wire.Announcement("w", "m", "M", stage, rows=4, **said)  # type: ignore[arg-type]


def test_a_free_row_takes_whoever_is_first_at_once() -> None:
    assert estimate_wait(0, [worker(free=1)]) == AT_ONCE
    assert estimate_wait(2, [worker(free=1), worker(free=2)]) == AT_ONCE


def test_a_helper_job_starts_at_once_or_nobody_knows_when() -> None:
    measured = {"tokens_per_second": 50.0, "tokens_per_reply": 100.0}
    free = [worker(free=2, helpers=1, **measured)]
    assert estimate_wait(0, free, is_helper=True) == AT_ONCE
    # A row of a helper job is free for people alone.
    assert estimate_wait(1, free, is_helper=True) is None
    assert estimate_wait(1, free) == AT_ONCE


@pytest.mark.parametrize(("ahead", "seconds"), [(0, 2), (1, 4), (9, 20), (99, 200)])
def test_with_no_row_free_the_measured_pace_lies_in_the_range(
    ahead: int, seconds: float
) -> None:
    busy = worker(tokens_per_second=50.0, tokens_per_reply=100.0)
    found = estimate_wait(ahead, [busy])
    assert found is not None
    assert 0 < found.low < seconds < found.high


def test_the_further_ahead_the_narrower_the_range_is_for_its_size() -> None:
    busy = worker(tokens_per_second=50.0, tokens_per_reply=100.0, reply_spread=0.5)
    found = [estimate_wait(ahead, [busy]) for ahead in (0, 5, 20, 80)]
    shares = [one.high / one.low for one in found if one]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 1.5


def test_workers_add_up_and_a_new_one_counts_as_the_others_do() -> None:
    fast = worker(tokens_per_second=75.0, tokens_per_reply=100.0)
    slow = worker(tokens_per_second=25.0, tokens_per_reply=100.0)
    assert seconds_between_ends([fast, slow]) == 1
    assert seconds_between_ends([fast, slow, worker(), worker()]) == 0.5
    loading = worker(wire.Stage.LOADING)
    assert seconds_between_ends([fast, slow, loading]) == 1


def test_nobody_knows_before_anything_was_measured() -> None:
    assert estimate_wait(0, [worker()]) is None
    assert estimate_wait(0, []) is None
    loading = worker(wire.Stage.LOADING, tokens_per_second=9.0, tokens_per_reply=9.0)
    assert estimate_wait(0, [loading]) is None


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.4, 3, "less than 4 s"),
        (12, 27, "about 12–28 s"),
        (41, 66, "about 40 s to 1 min 10 s"),
        (130, 200, "about 2 min to 3 min 30 s"),
        (700, 1000, "about 11 min to 17 min"),
    ],
)
def test_a_range_is_told_in_round_numbers_never_narrower(
    low: float, high: float, words: str
) -> None:
    assert duration_range(low, high) == words
