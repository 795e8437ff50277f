from __future__ import annotations

import pytest

from bench.measurement import Measurement
from bench.peers import CT2_INT8, FP16, FP32, INT8, LLAMA_Q8, V0
from bench.ratios import ratios
from bench.report import as_json, ratio_table, ratios_as_json, rows, table
from bench.results import BUSY, FIRST_TEXT, IDLE, JOINED, LATE, Results


def measured(speed: float, first_text: float = 0.1) -> Measurement:
    return Measurement(int(speed), 1.0, [first_text], [0.01] * 19 + [0.05])


def results(prefix: str = "") -> Results:
    found = Results("a model", prefix, bandwidths=[4e9], weight_bytes=int(1e8))
    found.embedding_mb, found.occupied_mb = 100, {FP32: 500, FP16: 300, INT8: 200}
    for peer, load, speed in [
        (V0, "1", 10),
        (INT8, "1", 70),
        (CT2_INT8, "1", 35),
        (LLAMA_Q8, "1", 100),
        (FP16, "1", 28),
        (FP32, "1", 20),
        (V0, LATE, 10),
        (INT8, LATE, 30),
        (INT8, IDLE, 70),
        (INT8, BUSY, 56),
    ]:
        found.rounds[peer, load].append(measured(speed))
    found.rounds[V0, FIRST_TEXT].append(measured(1, first_text=2))
    found.rounds[INT8, FIRST_TEXT].append(measured(1, first_text=1))
    found.rounds[V0, JOINED].append(measured(1))
    found.rounds[INT8, JOINED].append(measured(1))
    return found


def test_ratios_have_the_names_by_which_runs_are_compared() -> None:
    found = {ratio.name: ratio.value for ratio in ratios(results())}
    assert found == {
        "fp16_over_v0_1": 2.8,
        "int8_over_v0_1": 7,
        "int8_vs_ct2_int8_1": 2,
        "int8_vs_llama_q8_1": pytest.approx(0.7),
        "roofline_1": 0.5,
        "roofline_1_fp16": pytest.approx(0.7),
        "roofline_1_int8": 1.75,
        "first_text_500_over_v0": 0.5,
        "int8_over_v0_900_8": 3,
        "best_over_v0_900_8": 3,
        "busy_neighbour": pytest.approx(0.8),
        "joining_gap_p95_over_v0": 1,
        "fp16_weights_over_fp32": 0.5,
        "int8_weights_over_fp32": 0.25,
    }


def test_each_model_has_names_and_aims_of_its_own() -> None:
    both = [*ratios(results()), *ratios(results("smollm2_"))]
    found = ratios_as_json(both)
    aims = found["aims"]
    assert isinstance(aims, dict)
    assert (aims["int8_over_v0_1"], aims["smollm2_int8_over_v0_1"]) == ("≥ 6", "≥ 8")
    assert aims["first_text_500_over_v0"] == "≤ 0.8"


def test_an_aim_that_is_missed_is_marked() -> None:
    lines = ratio_table(ratios(results())).splitlines()
    missed = [line.split()[0] for line in lines if line.endswith("missed")]
    assert missed == [
        "int8_vs_llama_q8_1",
        *("roofline_1", "roofline_1_fp16", "roofline_1_int8"),
    ]
    assert missed == ratios_as_json(ratios(results()))["missed"]


def test_a_ratio_is_the_median_over_the_rounds_that_have_both() -> None:
    found = results()
    found.rounds[INT8, "1"] += [measured(200), measured(90)]
    found.rounds[V0, "1"] += [measured(20)]
    values = {ratio.name: ratio.value for ratio in ratios(found)}
    assert values["int8_over_v0_1"] == 8.5


def test_an_engine_that_was_not_measured_is_in_no_table() -> None:
    found = results()
    found.missing[INT8] = "no compiler"
    for load in ("1", LATE, FIRST_TEXT, IDLE, BUSY, JOINED):
        del found.rounds[INT8, load]
    assert found.best == FP16
    assert INT8 not in table(rows(found)) + ratio_table(ratios(found))
    assert as_json(found)["missing"] == {INT8: "no compiler"}


def test_the_best_precision_stands_for_our_engine() -> None:
    assert results().best == INT8
    assert Results("none").best == FP32
