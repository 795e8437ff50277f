"""Formats the results as a table and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from bench.measurement import Measurement, percentile
from bench.peers import OURS
from bench.scenarios import Results


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    tokens_per_second: float
    first_text_p50_seconds: float
    first_text_p95_seconds: float
    gap_p50_seconds: float
    gap_p95_seconds: float
    #: Peak memory of the process, in MiB.
    peak_mb: float

    @classmethod
    def of(cls, what: str, rounds: Sequence[Measurement], peak_mb: float) -> Row:
        """Make a row with the medians over the rounds."""
        firsts = [part.first_texts for part in rounds]
        gaps = [part.gaps for part in rounds]
        return cls(
            what,
            median([part.tokens_per_second for part in rounds]),
            median([percentile(times, 0.5) for times in firsts]),
            median([percentile(times, 0.95) for times in firsts]),
            median([percentile(times, 0.5) for times in gaps]),
            median([percentile(times, 0.95) for times in gaps]),
            peak_mb,
        )


def rows(results: Results) -> list[Row]:
    """Make the first table: the rounds, the memory bandwidth, then the streams."""
    found = [
        Row.of(f"{peer}, {load}", measured, results.peak_mb[peer])
        for (peer, load), measured in results.rounds.items()
        if measured
    ]
    unknown = [math.nan] * 5
    found.append(
        Row("(memory bandwidth allows, alone)", median(results.ceilings), *unknown)
    )
    for load, one in results.streams.items():
        found.append(Row.of(f"{OURS}, {load}", [one], results.peak_mb[OURS]))
    return found


def long_rows(results: Results) -> list[Row]:
    """Make the second table: prompts of up to 512 tokens."""
    return [
        Row.of(f"{peer}, prompts up to 512", [one], results.peak_mb[peer])
        for peer, one in results.long.items()
    ]


HEAD = (
    f"{'':44}{'tokens/s':>9}{'first text, s':>16}{'gap, ms':>14}{'peak MB':>9}\n"
    f"{'':44}{'':9}{'p50     p95':>16}{'p50   p95':>14}"
)


def table(rows: Sequence[Row]) -> str:
    """Format rows as text with aligned columns."""
    return "\n".join([HEAD, *map(_line, rows)])


def _line(row: Row) -> str:
    return row.what.ljust(44) + "".join(
        [
            _number(row.tokens_per_second, 9, 1),
            _number(row.first_text_p50_seconds, 8),
            _number(row.first_text_p95_seconds, 8),
            _number(row.gap_p50_seconds * 1e3, 7, 0),
            _number(row.gap_p95_seconds * 1e3, 7, 0),
            _number(row.peak_mb, 9, 0),
        ]
    )


def _number(value: float, width: int, digits: int = 2) -> str:
    """Format a number; blank for NaN."""
    return " " * width if math.isnan(value) else f"{value:{width}.{digits}f}"


def as_json(row: Row) -> dict[str, object]:
    """Return the values of a row, with None for NaN, which JSON lacks."""
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in asdict(row).items()
    }
