"""Ratios between the engines, by which runs on different machines are compared."""

from __future__ import annotations

from statistics import median

from bench.measurement import median_ratio, percentile
from bench.peers import OURS, SEQUENTIAL, STATIC
from bench.scenarios import ALL, ALONE, EQUAL, JOINED, STEADY, Results

#: Names of the ratios to other engines with all requests at once.
WITH_ALL = {
    STATIC: "vs_static_mixed_32",
    "transformers continuous": "vs_transformers_cb_32",
    "CTranslate2 fp32": "vs_ct2_fp32_32",
    "CTranslate2 int8": "vs_ct2_int8_32",
}


def ratios(results: Results) -> dict[str, float]:
    """Compute ratios by name: ``vs_…`` is our throughput divided by another engine's.

    Higher is better for speeds, lower for times. Each ratio is taken within a round,
    because the speed of a shared machine drifts; the result is the median over the
    rounds.
    """
    ours, sequential = results.speeds(OURS, ALL), results.speeds(SEQUENTIAL, ALONE)
    alone = results.speeds(OURS, ALONE)
    found = {
        "vs_sequential_32": median_ratio(ours, sequential),
        "vs_sequential_1": median_ratio(alone, sequential),
        "vs_sequential_1_first_text": median_ratio(
            results.first_texts(OURS, ALONE), results.first_texts(SEQUENTIAL, ALONE)
        ),
        "roofline_1": median_ratio(alone, results.ceilings),
        "vs_static_32": median_ratio(
            results.speeds(OURS, EQUAL), results.speeds(STATIC, EQUAL)
        ),
    }
    for peer, name in WITH_ALL.items():
        if theirs := results.speeds(peer, ALL):
            found[name] = median_ratio(ours, theirs)
    steady, joined = results.streams[STEADY], results.streams[JOINED]
    return found | {
        "stream_first_text_p95_seconds": percentile(steady.first_texts, 0.95),
        "gap_p95_over_median": percentile(joined.gaps, 0.95) / median(joined.gaps),
        "second_turn_first_text": results.warm_seconds / results.cold_seconds,
    }
