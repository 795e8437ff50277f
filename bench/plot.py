"""Draws the speeds of the engines as an SVG picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.peers import PEERS, V0
from bench.results import Results

OURS_COLOUR, V0_COLOUR, OTHER_COLOUR = "#b4541a", "#d9a37f", "#8a94a6"
INK = "#7a7f87"
LOADS = ("1", "8", "32")


def plot(found: Sequence[Results], processor: str, target: Path) -> None:
    """Draw tokens a second with 1, 8 and 32 requests at once, a row for each model."""
    # Imported here because only this function needs it.
    import matplotlib as mpl

    mpl.use("svg")
    # Makes the file the same for the same figures.
    mpl.rcParams["svg.hashsalt"] = "chatsite"
    mpl.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot as plt

    figure, grid = plt.subplots(
        len(found),
        len(LOADS),
        figsize=(11, 2.8 * len(found)),
        squeeze=False,
        layout="constrained",
    )
    for results, line in zip(found, grid, strict=True):
        for load, axes in zip(LOADS, line, strict=True):
            _draw(results, load, axes)
    figure.supxlabel(f"tokens per second on {processor}", color=INK, fontsize=10)
    figure.savefig(
        target, transparent=True, bbox_inches="tight", metadata={"Date": None}
    )


def _draw(results: Results, load: str, axes: Any) -> None:
    """Draw the bars of one model and one load."""
    names = [name for name in reversed(PEERS) if results.speeds(name, load)]
    colours = [
        OURS_COLOUR
        if name.startswith("ours")
        else (V0_COLOUR if name == V0 else OTHER_COLOUR)
        for name in names
    ]
    speeds = [median(results.speeds(name, load)) for name in names]
    bars = axes.barh(names, speeds, color=colours)
    axes.bar_label(bars, fmt="%.0f", padding=4, color=INK)
    axes.set_title(f"{results.model}, {load} at once", color=INK, fontsize=10)
    axes.tick_params(colors=INK, length=0)
    axes.set_xticks([])
    for side in axes.spines.values():
        side.set_visible(False)
