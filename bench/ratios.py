"""What follows from the figures: the ratios by which runs are compared."""

from __future__ import annotations

from statistics import median

from bench.measured import paired, percentile
from bench.peers import OURS, SEQUENTIAL, STATIC
from bench.scenarios import ALL, ALONE, EQUAL, JOINED, STEADY, Results

#: Names of the ratios to peers with all requests at once.
WITH_ALL = {
    STATIC: "vs_static_mixed_32",
    "transformers continuous": "vs_transformers_cb_32",
    "CTranslate2 fp32": "vs_ct2_fp32_32",
    "CTranslate2 int8": "vs_ct2_int8_32",
}


def ratios(results: Results) -> dict[str, float]:
    """Tokens per second as a multiple of others' (``vs_…``), and shares.

    Higher is better for speeds, lower for times. Taken within a round; the median over
    the rounds is what counts, since the pace of a shared machine drifts.
    """
    ours, sequential = results.speeds(OURS, ALL), results.speeds(SEQUENTIAL, ALONE)
    alone = results.speeds(OURS, ALONE)
    found = {
        "vs_sequential_32": paired(ours, sequential),
        "vs_sequential_1": paired(alone, sequential),
        "vs_sequential_1_first_text": paired(
            results.first_texts(OURS, ALONE), results.first_texts(SEQUENTIAL, ALONE)
        ),
        "roofline_1": paired(alone, results.ceilings),
        "vs_static_32": paired(
            results.speeds(OURS, EQUAL), results.speeds(STATIC, EQUAL)
        ),
    }
    for peer, name in WITH_ALL.items():
        if theirs := results.speeds(peer, ALL):
            found[name] = paired(ours, theirs)
    steady, joined = results.streams[STEADY], results.streams[JOINED]
    return found | {
        "stream_first_text_p95_seconds": percentile(steady.first_texts, 0.95),
        "gap_p95_over_median": percentile(joined.gaps, 0.95) / median(joined.gaps),
        "second_turn_first_text": results.warm_seconds / results.cold_seconds,
    }
