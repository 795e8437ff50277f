"""What is measured with SmolLM2's real weights: quality, and how long a start takes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from bench.held_out import texts
from bench.measurement import Measurement, median_ratio
from bench.peer_process import start_peer
from bench.peers import AUTO, INT8, Unavailable
from bench.plan import Plan
from bench.quality import Qualities, measure_quality
from bench.ratios import Ratio
from bench.scenarios import progress
from bench.smollm2 import smollm2
from bench.workload import BenchRequest

LOOKUP_TOKENS = 80
LOOKUP_ROUNDS = 3
#: What each reply is asked to do with a text.
REPEATS = {
    "lookup_quoting": ("english", "Repeat this text word for word:\n\n{}", 700),
    "lookup_code": ("code", "Show this module again with comments:\n\n{}", 1500),
}
START_AIMS = {"first_start_seconds": "≤ 30", "cached_start_seconds": "≤ 3"}


@dataclass(frozen=True, slots=True)
class RealModel:
    """What was found with SmolLM2's real weights."""

    quality: Qualities
    #: Seconds until the engine is loaded: the first time, and from what was kept.
    starts: dict[str, float] = field(default_factory=dict)
    #: By what a reply repeats: its speed with prompt lookup over that without.
    lookups: dict[str, float] = field(default_factory=dict)

    def ratios(self) -> list[Ratio]:
        """Return the figures with what is aimed at."""
        starts = [
            Ratio(name, self.starts[name], aim)
            for name, aim in START_AIMS.items()
            if name in self.starts
        ]
        lookups = [Ratio(name, value) for name, value in self.lookups.items()]
        return [*self.quality.ratios(), *starts, *lookups]


def measure_real_model(plan: Plan, cache: Path, threads: int) -> RealModel | None:
    """Measure what needs real weights; None if that is left out or not here."""
    if not plan.quality_tokens:
        return None
    try:
        folder = smollm2(cache)
    except Unavailable as error:
        progress(f"left out: quality and starts ({error})")
        return None
    quality = measure_quality(
        folder, threads, tokens=plan.quality_tokens, replies={INT8: plan.replies}
    )
    if INT8 in quality.missing:
        return RealModel(quality)
    starts = measure_starts(folder, threads)
    return RealModel(quality, starts, measure_lookup(folder, threads))


def measure_starts(folder: Path, threads: int) -> dict[str, float]:
    """Return the seconds that a worker's engine takes to load, twice.

    torch is loaded already. The first time everything is built, packed, compared with
    float32 and kept.
    """
    data = "first-start-data"
    shutil.rmtree(folder.parent / data, ignore_errors=True)
    found = {}
    for name in ("first_start_seconds", "cached_start_seconds"):
        peer = start_peer(AUTO, folder, threads, data)
        peer.ready()
        peer.call("run", [BenchRequest("Hello", 2, 0)])
        found[name] = float(peer.call("load_seconds"))
        peer.close()
        progress(f"  {name}: {found[name]:.1f}")
    return found


def measure_lookup(folder: Path, threads: int) -> dict[str, float]:
    """Return how much faster replies that repeat are with prompt lookup, as int8."""
    peers = {
        lookup: start_peer(INT8, folder, threads, "worker-data", lookup)
        for lookup in ("on", "off")
    }
    for peer in peers.values():
        peer.ready()
        peer.call("run", [BenchRequest("Hello", 4, 0)])
    found = {}
    for name, (kind, wish, size) in REPEATS.items():
        text = texts(folder.parent)[kind]
        speeds: dict[str, list[float]] = {lookup: [] for lookup in peers}
        for number in range(LOOKUP_ROUNDS):
            part = text[number * size : (number + 1) * size]
            request = BenchRequest(wish.format(part), LOOKUP_TOKENS, number, 0.2)
            for lookup, peer in peers.items():
                measured: Measurement = peer.call("run", [request])
                speeds[lookup].append(measured.tokens_per_second)
        found[name] = median_ratio(speeds["on"], speeds["off"])
        progress(f"  {name}: {found[name]:.2f}")
    for peer in peers.values():
        peer.close()
    return found
