"""A whole run with very small models: what is measured, not how fast it is."""

from __future__ import annotations

import math

import pytest

from bench.loop import AIMS, SETTINGS, measure_loop
from bench.peers import FP32, PEERS, V0
from bench.plan import Plan
from bench.ratios import ratios
from bench.report import rows, table
from bench.results import BUSY, FIRST_TEXT, IDLE, JOINED, LATE, STREAM, Results
from bench.scenarios import ModelBench, measure_many
from tests.bench import models
from tests.environment import IS_SOAK

pytestmark = pytest.mark.skipif(
    not IS_SOAK, reason="processes that load torch; see SOAK"
)
NEW_TOKENS = 6
PLAN = Plan(
    new_tokens=NEW_TOKENS,
    # Of the first load there is time for all rounds, of the second for one.
    round_seconds={1: 60, 3: 0},
    rounds_max=2,
    other_rounds=1,
    neighbour_rounds=1,
    neighbour_seconds=0,
    late_tokens=4,
    stream_seconds=0.2,
    join_seconds=0.1,
    conversations=1,
    many=20,
    quality_tokens=0,
    replies=0,
    without=tuple(PEERS.keys() - {V0, FP32}),
)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    found = Results("a model")
    folder = models.gpt2(tmp_path_factory.mktemp("models"))
    bench = ModelBench(PLAN, folder, 1, found)
    bench.measure_loads()
    bench.measure_ours()
    bench.close()
    return found


def test_each_engine_answers_all_that_is_asked(results: Results) -> None:
    for peer in (V0, FP32):
        assert [one.tokens for one in results.rounds[peer, "1"]] == [NEW_TOKENS] * 2
        assert [one.tokens for one in results.rounds[peer, "3"]] == [3 * NEW_TOKENS]
        assert [one.tokens for one in results.rounds[peer, FIRST_TEXT]] == [4]
        assert [one.tokens for one in results.rounds[peer, IDLE]] == [NEW_TOKENS]
        assert [one.tokens for one in results.rounds[peer, BUSY]] == [NEW_TOKENS]
        # The long prompts that join are not counted.
        for load in (STREAM, JOINED):
            (stream,) = results.rounds[peer, load]
            assert stream.tokens == NEW_TOKENS * len(stream.first_texts)
        # Replies that were quick may have ended before the last of the eight began.
        assert 0 < results.rounds[peer, LATE][0].tokens < 8 * PLAN.late_tokens
    assert set(results.peak_mb) == {V0, FP32}


def test_all_ratios_of_what_was_measured_are_found(results: Results) -> None:
    found = {ratio.name: ratio.value for ratio in ratios(results)}
    assert set(found) == {
        *("roofline_1", "first_text_500_over_v0", "best_over_v0_900_8"),
        *("busy_neighbour", "busy_neighbour_v0", "joining_gap_p95_over_v0"),
        "second_turn_first_text",
    }
    assert all(value > 0 and math.isfinite(value) for value in found.values())
    assert table(rows(results)).count(V0) == 8


def test_memory_is_read_while_very_many_requests_are_answered(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = models.gpt2(tmp_path_factory.mktemp("models"))
    found = measure_many(FP32, folder, PLAN.many, 1)
    assert found["requests"] == PLAN.many
    assert found["resident_mb_at_the_end"] > 50


def test_the_loop_is_timed_for_all_settings(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    found = measure_loop(tmp_path_factory.mktemp("models"), 1)
    names = {f"loop_ms_{load}_{name}" for load in AIMS for name in SETTINGS}
    assert {ratio.name for ratio in found} == names
    assert all(ratio.value > 0 for ratio in found)
