"""Medians, ratios and tables of the costs of requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from bench.web.measured_site import Cost

#: What one round found, by site and kind.
Costs = dict[tuple[str, str], Cost]
#: What one request of a kind costs in queries and more, by site and kind.
Counts = dict[tuple[str, str], Mapping[str, int]]
COUNTED = ("queries", "redis_trips", "redis_commands", "nodes")


def figures(rounds: Sequence[Costs], counts: Counts) -> dict[str, Any]:
    """Return medians over the rounds in milliseconds, with the counts, by site."""
    found: dict[str, Any] = {}
    for site, kind in rounds[0]:
        costs = [one[site, kind] for one in rounds]
        found.setdefault(site, {})[kind] = {
            "cpu_ms": round(1000 * median(cost.cpu for cost in costs), 3),
            "wall_ms": round(1000 * median(cost.wall for cost in costs), 3),
            **counts.get((site, kind), {}),
        }
    return found


def ratios(rounds: Sequence[Costs], ours: str, theirs: str) -> dict[str, float]:
    """Return our CPU time over theirs: the median of the ratios within each round."""
    kinds = [kind for site, kind in rounds[0] if site == ours]
    return {
        kind: round(
            median(one[ours, kind].cpu / one[theirs, kind].cpu for one in rounds), 3
        )
        for kind in kinds
    }


def tables(found: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Return a table for each site, in Markdown."""
    return "\n\n".join(_table(site, kinds) for site, kinds in found.items())


def _table(site: str, kinds: Mapping[str, Mapping[str, float]]) -> str:
    lines = [
        f"| {site} | CPU, ms | wall, ms | queries | Redis trips | commands | nodes |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for kind, row in kinds.items():
        counts = " | ".join(str(row.get(name, "–")) for name in COUNTED)
        lines.append(
            f"| {kind} | {row['cpu_ms']:.2f} | {row['wall_ms']:.2f} | {counts} |"
        )
    return "\n".join(lines)


def ratio_table(found: Mapping[str, Mapping[str, float]]) -> str:
    """Return the ratios of all kinds, a column for each database, in Markdown."""
    kinds = next(iter(found.values()))
    lines = [
        f"| CPU over the other checkout's | {' | '.join(found)} |",
        f"|---|{'--:|' * len(found)}",
    ]
    for kind in kinds:
        row = " | ".join(f"{of_kinds[kind]:.2f}" for of_kinds in found.values())
        lines.append(f"| {kind} | {row} |")
    return "\n".join(lines)


def pairs_of(sites: Sequence[str]) -> list[tuple[str, str]]:
    """Return the sites of two checkouts on one database: ours and the other's."""
    return [
        (ours, theirs)
        for ours, theirs in pairwise(sites)
        if theirs.startswith(f"{ours},")
    ]
