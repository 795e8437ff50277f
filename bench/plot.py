"""Draws the table of the engines as an SVG picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.report import Row

OURS_COLOUR, OTHER_COLOUR, INK = "#b4541a", "#8a94a6", "#7a7f87"


def plot(rows: Sequence[Row], target: Path) -> None:
    """Draw tokens per second with 32 requests at once, as SVG."""
    # Imported here because only this function needs it.
    import matplotlib as mpl

    mpl.use("svg")
    # Makes the file the same for the same figures.
    mpl.rcParams["svg.hashsalt"] = "chatsite"
    mpl.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot as plt

    shown = [row for row in rows if row.what.endswith((", 32", ", alone"))]
    shown.sort(key=lambda row: row.tokens_per_second)
    figure, axes = plt.subplots(figsize=(8, 0.5 + 0.45 * len(shown)))
    bars = axes.barh(
        [_label(row.what) for row in shown],
        [row.tokens_per_second for row in shown],
        color=[
            OURS_COLOUR if row.what.startswith("ours") else OTHER_COLOUR
            for row in shown
        ],
    )
    axes.bar_label(bars, fmt="%.0f", padding=4, color=INK)
    axes.set_xlabel("tokens per second, GPT-2 124M in float32 on two cores", color=INK)
    axes.tick_params(colors=INK, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    figure.savefig(
        target, transparent=True, bbox_inches="tight", metadata={"Date": None}
    )


def _label(what: str) -> str:
    name, load = what.rsplit(", ", 1)
    return f"{name}, {'one request' if load == 'alone' else load + ' requests'}"
