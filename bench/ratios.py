"""Ratios between the engines, by which runs on different machines are compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.measurement import median_ratio, percentile
from bench.peers import (
    CONTINUOUS,
    CT2_FP32,
    CT2_INT8,
    FP16,
    FP32,
    INT8,
    LLAMA_Q8,
    OURS,
    SEQUENTIAL,
    V0,
)
from bench.results import BUSY, FIRST_TEXT, IDLE, JOINED, LATE, Results

#: What the speed of one engine, divided by that of another, shall be at least: by the
#: number of requests at once. The second of a pair counts for SmolLM2.
Aims = dict[int, tuple[float, float]]
SPEED_AIMS: dict[str, tuple[str, str, Aims]] = {
    "fp16_over_v0": (
        FP16,
        V0,
        {1: (2.5, 2.5), 8: (1.7, 1.7), 32: (1.15, 1.15)},
    ),
    "int8_over_v0": (INT8, V0, {1: (6, 8), 8: (3, 4), 32: (1.8, 2.2)}),
    "int8_vs_ct2_int8": (
        INT8,
        CT2_INT8,
        {1: (1.8, 1.8), 8: (1.15, 1.3), 32: (1.0, 1.2)},
    ),
    "int8_vs_llama_q8": (
        INT8,
        LLAMA_Q8,
        {1: (1.4, 1.4), 8: (1.6, 1.6), 32: (1.5, 1.5)},
    ),
    "fp32_vs_ct2_fp32": (
        FP32,
        CT2_FP32,
        {1: (1.1, 1.1), 8: (1.1, 1.1), 32: (1.1, 1.1)},
    ),
}
#: What the speed of one reply shall be at least, as a share of what the memory allows
#: with weights in float32.
ROOFLINE_AIMS = {
    "roofline_1": (FP32, 0.7),
    "roofline_1_fp16": (FP16, 0.85),
    "roofline_1_int8": (INT8, 2.2),
}


@dataclass(frozen=True, slots=True)
class Ratio:
    """A figure and what is aimed at."""

    name: str
    value: float
    #: As ``≥ 6`` or ``≤ 0.8``; empty without an aim.
    aim: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the aim is reached; True without one."""
        bound = float(self.aim[1:]) if self.aim else math.nan
        return not (self.value < bound if self.aim[:1] == "≥" else self.value > bound)


def ratios(results: Results) -> list[Ratio]:
    """Return every ratio whose two sides were measured.

    Each one is taken within a round, because the speed of a shared machine drifts; the
    result is the median over the rounds. Above 1 the first engine is faster, or takes
    longer where the ratio is one of times.
    """
    found = [
        *_speeds(results),
        *_rooflines(results),
        *_of_ours(results),
        *_memory(results),
    ]
    return [
        Ratio(results.prefix + ratio.name, ratio.value, ratio.aim)
        for ratio in found
        if not math.isnan(ratio.value)
    ]


def _speeds(results: Results) -> list[Ratio]:
    return [
        Ratio(
            f"{name}_{load}",
            _median_ratio(
                results.speeds(peer, str(load)), results.speeds(other, str(load))
            ),
            f"≥ {aim[1] if results.prefix else aim[0]:g}",
        )
        for name, (peer, other, aims) in SPEED_AIMS.items()
        for load, aim in aims.items()
    ]


def _rooflines(results: Results) -> list[Ratio]:
    speed, ceilings = results.speeds, results.ceilings
    return [
        Ratio(name, _median_ratio(speed(peer, "1"), ceilings), f"≥ {aim:g}")
        for name, (peer, aim) in ROOFLINE_AIMS.items()
    ]


def _of_ours(results: Results) -> list[Ratio]:
    """Return the ratios of our engine at its best precision."""
    best, speeds = results.best, results.speeds
    firsts, gaps = results.first_texts, results.gaps
    late = [_median_ratio(speeds(one, LATE), speeds(V0, LATE)) for one in (INT8, best)]
    busy = [_median_ratio(speeds(one, BUSY), speeds(one, IDLE)) for one in (best, V0)]
    joined = [percentile(gaps(one, JOINED), 0.95) for one in (best, V0)]
    turns = results.warm_seconds, results.cold_seconds
    return [
        Ratio(
            "first_text_500_over_v0",
            _median_ratio(firsts(best, FIRST_TEXT), firsts(V0, FIRST_TEXT)),
            "≤ 0.8",
        ),
        Ratio("int8_over_v0_900_8", late[0], "≥ 2.5"),
        Ratio("best_over_v0_900_8", late[1]),
        Ratio("busy_neighbour", busy[0], "≥ 0.75"),
        Ratio("busy_neighbour_v0", busy[1]),
        Ratio("joining_gap_p95_over_v0", joined[0] / joined[1], "≤ 1"),
        Ratio(
            "vs_sequential_1", _median_ratio(speeds(best, "1"), speeds(SEQUENTIAL, "1"))
        ),
        Ratio(
            "vs_transformers_cb_8",
            _median_ratio(speeds(best, "8"), speeds(CONTINUOUS, "8")),
        ),
        Ratio("second_turn_first_text", turns[0] / turns[1] if turns[1] else math.nan),
    ]


def _memory(results: Results) -> list[Ratio]:
    """Return how large the weights are, over those in fp32, the embedding apart."""
    has = results.occupied_mb
    weights = {name: has.get(name, math.nan) - results.embedding_mb for name in OURS}
    return [
        Ratio("fp16_weights_over_fp32", weights[FP16] / weights[FP32], "≤ 0.55"),
        Ratio("int8_weights_over_fp32", weights[INT8] / weights[FP32], "≤ 0.35"),
    ]


def _median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median ratio over the rounds that have both; NaN without any."""
    return median_ratio(ours, theirs) if ours and theirs else math.nan
