"""Draws for how many people one piece of each part of a site suffices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.plot import INK, OTHER_COLOUR, OURS_COLOUR
from bench.simulate import PIECES, Costs, most_people, rounded


def plot(costs: Costs, people: Sequence[float], target: Path) -> None:
    """Draw a bar for each part, and a line for each of these numbers of people."""
    # Imported here because only this function needs it.
    import matplotlib as mpl

    mpl.use("svg")
    # Makes the file the same for the same figures.
    mpl.rcParams["svg.hashsalt"] = "chatsite"
    mpl.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 3.2), layout="constrained")
    _draw_bars(costs, axes)
    for count in people:
        axes.axvline(count, color=INK, linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(100, 1e9)
    axes.set_xticks(people, [f"{count:,.0f}" for count in people])
    axes.minorticks_off()
    axes.set_xlabel("people", color=INK)
    axes.tick_params(colors=INK, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    figure.savefig(
        target, transparent=True, bbox_inches="tight", metadata={"Date": None}
    )


def _draw_bars(costs: Costs, axes: Any) -> None:
    """Draw the parts that can be added in one colour, and the others in another."""
    found = [
        (name, most_people(tier, cores or costs.worker_cores, costs), is_added)
        for name, tier, cores, is_added in reversed(PIECES)
    ]
    bars = axes.barh(
        [name for name, _, _ in found],
        [people for _, people, _ in found],
        color=[OTHER_COLOUR if is_added else OURS_COLOUR for *_, is_added in found],
    )
    labels = [f"{rounded(people):,.0f}" for _, people, _ in found]
    axes.bar_label(bars, labels, padding=4, color=INK)
