"""Formats the results as tables and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median

from bench.measurement import Measurement, percentile
from bench.ratios import Ratio
from bench.results import FIRST_TEXT, Results


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: an engine with a workload, medians over the rounds."""

    what: str
    rounds: int
    tokens_per_second: float
    first_text_p50_seconds: float
    gap_p50_seconds: float
    gap_p95_seconds: float
    #: Peak memory of the process, in MiB.
    peak_mb: float

    @classmethod
    def of(cls, what: str, rounds: Sequence[Measurement], peak_mb: float) -> Row:
        """Make a row with the medians over the rounds."""
        gaps = [part.gaps for part in rounds]
        return cls(
            what,
            len(rounds),
            median([part.tokens_per_second for part in rounds]),
            median([percentile(part.first_texts, 0.5) for part in rounds]),
            median([percentile(times, 0.5) for times in gaps]),
            median([percentile(times, 0.95) for times in gaps]),
            peak_mb,
        )


def rows(results: Results) -> list[Row]:
    """Return the lines of one model, grouped by workload."""
    loads = list(dict.fromkeys(load for _, load in results.rounds))
    found = [
        Row.of(f"{peer}, {load}", measured, results.peak_mb.get(peer, math.nan))
        for wanted in loads
        for (peer, load), measured in results.rounds.items()
        if load == wanted
    ]
    # A reply of a few tokens says nothing about tokens a second.
    return [
        replace(row, tokens_per_second=math.nan) if FIRST_TEXT in row.what else row
        for row in found
    ]


HEAD = (
    f"{'':48}{'rounds':>6}{'tokens/s':>10}{'first text':>12}{'gap, ms':>15}"
    f"{'peak':>8}\n{'':64}{'p50, ms':>12}{'p50     p95':>15}{'MB':>8}"
)


def table(lines: Sequence[Row]) -> str:
    """Format rows as text with aligned columns."""
    return "\n".join([HEAD, *map(_line, lines)])


def _line(row: Row) -> str:
    return row.what.ljust(48) + "".join(
        [
            f"{row.rounds:6}",
            _number(row.tokens_per_second, 10, 1),
            _number(row.first_text_p50_seconds * 1e3, 12),
            _number(row.gap_p50_seconds * 1e3, 7, 1),
            _number(row.gap_p95_seconds * 1e3, 8, 1),
            _number(row.peak_mb, 8),
        ]
    )


def _number(value: float, width: int, digits: int = 0) -> str:
    """Format a number; blank for NaN."""
    return " " * width if math.isnan(value) else f"{value:{width}.{digits}f}"


def ratio_table(found: Sequence[Ratio]) -> str:
    """Format ratios with their aims; marks those that are missed."""
    return "\n".join(
        f"{ratio.name:36}{ratio.value:10.3g}  {ratio.aim:9}"
        f"{'' if ratio.is_met else 'missed'}".rstrip()
        for ratio in found
    )


def as_json(results: Results) -> dict[str, object]:
    """Return the rows of a model, and why engines are missing."""
    return {
        "model": results.model,
        "rows": [_without_nan(asdict(row)) for row in rows(results)],
        "missing": results.missing,
        "ceilings_tokens_per_second": results.ceilings,
    }


def ratios_as_json(found: Sequence[Ratio]) -> dict[str, object]:
    """Return all ratios by name, their aims by name, and which are missed."""
    return {
        "ratios": {ratio.name: ratio.value for ratio in found},
        "aims": {ratio.name: ratio.aim for ratio in found if ratio.aim},
        "missed": [ratio.name for ratio in found if not ratio.is_met],
    }


def _without_nan(values: dict[str, object]) -> dict[str, object]:
    """Return the values with None for NaN, which JSON lacks."""
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in values.items()
    }
