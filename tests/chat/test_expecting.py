from __future__ import annotations

import pytest

from chat.services.expecting import expected_seconds
from chatsite import wire


def worker(stage: wire.Stage = wire.Stage.READY, **said: float) -> wire.Announcement:
    return wire.Announcement("w", "m", "M", stage, rows=4, **said)  # type: ignore[arg-type]


def test_a_free_row_takes_whoever_is_first_at_once() -> None:
    assert expected_seconds(0, [worker(free=1)]) == 0
    assert expected_seconds(2, [worker(free=1), worker(free=2)]) == 0


@pytest.mark.parametrize(("ahead", "seconds"), [(0, 2), (1, 4), (9, 20)])
def test_with_no_row_free_the_measured_pace_decides(ahead: int, seconds: float) -> None:
    busy = worker(tokens_per_second=50.0, tokens_per_reply=100.0)
    assert expected_seconds(ahead, [busy]) == seconds


def test_workers_add_up_and_those_not_measured_do_not_count() -> None:
    fast = worker(tokens_per_second=75.0, tokens_per_reply=100.0)
    slow = worker(tokens_per_second=25.0, tokens_per_reply=100.0)
    assert expected_seconds(4, [fast, slow, worker()]) == 5


def test_nobody_knows_before_anything_was_measured() -> None:
    assert expected_seconds(0, [worker()]) is None
    assert expected_seconds(0, []) is None
    loading = worker(wire.Stage.LOADING, tokens_per_second=9.0, tokens_per_reply=9.0)
    assert expected_seconds(0, [loading]) is None
