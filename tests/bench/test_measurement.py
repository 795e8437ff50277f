from __future__ import annotations

import math

from bench.measurement import (
    Measurement,
    concatenated,
    gaps_of,
    median_ratio,
    percentile,
)
from bench.workload import make_requests


def test_a_percentile_is_one_of_the_values() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert percentile(values, 0.5) == 3
    assert percentile(values, 0.95) == 5
    assert percentile(values, 0.2) == 1
    assert math.isnan(percentile([], 0.5))


def test_ratios_are_taken_within_a_round() -> None:
    assert median_ratio([2, 40, 9], [1, 10, 9]) == 2
    assert median_ratio([2, 40], [1]) == 2


def test_runs_join_one_after_another() -> None:
    one, other = Measurement(10, 2.0, [0.1], [0.5]), Measurement(20, 1.0, [0.2], [])
    assert concatenated([one, other]) == Measurement(30, 3.0, [0.1, 0.2], [0.5])
    assert concatenated([one, other]).tokens_per_second == 10


def test_gaps_lie_between_times() -> None:
    assert gaps_of([1, 3, 4]) == [2, 1]
    assert gaps_of([1]) == gaps_of([]) == []


def test_everybody_is_asked_the_same() -> None:
    first = make_requests(9, prompt=(3, 5), new=(1, 2))
    assert first == make_requests(9, prompt=(3, 5), new=(1, 2))
    assert {len(request.prompt) for request in first} <= {3, 4, 5}
    assert first != make_requests(9, prompt=(3, 5), new=(1, 2), seed=2)
