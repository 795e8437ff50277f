from __future__ import annotations

import pytest

from bench.measurement import Measurement
from bench.peers import OURS, SEQUENTIAL, STATIC
from bench.ratios import ratios
from bench.report import long_rows, rows, table
from bench.scenarios import ALL, ALONE, EQUAL, JOINED, STEADY, Results


def measured(speed: float) -> Measurement:
    return Measurement(int(speed), 1.0, [0.1, 0.2], [0.01] * 19 + [0.05])


def results() -> Results:
    found = Results(ceilings=[40], cold_seconds=2, warm_seconds=0.5)
    for load, peer, speed in [
        (ALONE, OURS, 20),
        (ALONE, SEQUENTIAL, 10),
        (ALL, OURS, 90),
        (ALL, "CTranslate2 fp32", 45),
        (EQUAL, OURS, 80),
        (EQUAL, STATIC, 40),
    ]:
        found.rounds[peer, load].append(measured(speed))
        found.peak_mb[peer] = 5
    found.streams = {STEADY: measured(9), JOINED: measured(9)}
    found.long = {OURS: measured(7)}
    return found


def test_ratios_have_the_names_by_which_runs_are_compared() -> None:
    found = ratios(results())
    assert found == {
        "vs_sequential_32": 9,
        "vs_sequential_1": 2,
        "vs_sequential_1_first_text": 1,
        "roofline_1": 0.5,
        "vs_static_32": 2,
        "vs_ct2_fp32_32": 2,
        "stream_first_text_p95_seconds": 0.2,
        "gap_p95_over_median": 1,
        "second_turn_first_text": 0.25,
    }


def test_a_peer_that_was_left_out_is_left_out_of_the_table() -> None:
    found = results()
    ratios(found)
    text = table([*rows(found), *long_rows(found)])
    assert "CTranslate2 int8" not in text
    assert text.count("ours") == 6


def test_late_gaps_show() -> None:
    found = results()
    found.streams[JOINED] = Measurement(9, 1.0, [], [0.01] * 9 + [0.05])
    assert ratios(found)["gap_p95_over_median"] == pytest.approx(5)
