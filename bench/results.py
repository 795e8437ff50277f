"""What a run of ``bench.engine`` found."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median

from bench.measurement import Measurement
from bench.peers import FP16, FP32, INT8

# Names of the workloads, as in the table; a number alone is requests at once.
FIRST_TEXT = "prompt of 500"
LATE = "8 at position 900"
IDLE, BUSY = "1, idle machine", "1, beside a busy process"
STREAM = "a stream"
JOINED = "a stream, prompts of 900 join"


@dataclass
class Results:
    """The figures of all engines with one model."""

    #: As in the table.
    model: str
    #: Put before the names of the ratios.
    prefix: str = ""
    #: By engine and workload, one measurement for each round.
    rounds: defaultdict[tuple[str, str], list[Measurement]] = field(
        default_factory=lambda: defaultdict(list)
    )
    #: By engine that cannot be measured: why, in one line.
    missing: dict[str, str] = field(default_factory=dict)
    #: Peak memory of each engine's process, in MiB.
    peak_mb: dict[str, float] = field(default_factory=dict)
    #: What each of our engines occupies once it is loaded, in MiB.
    occupied_mb: dict[str, float] = field(default_factory=dict)
    #: Measured bytes a second, and the size of the weights in float32.
    bandwidths: list[float] = field(default_factory=list)
    weight_bytes: int = 0
    #: Size of the token embedding, which stays in float32, in MiB.
    embedding_mb: float = 0.0
    #: Seconds to the first text: of a new long prompt, and of its next turn.
    cold_seconds: float = 0.0
    warm_seconds: float = 0.0

    @property
    def best(self) -> str:
        """Our engine at the fastest precision that was measured."""
        has = {peer for (peer, _), rounds in self.rounds.items() if rounds}
        return next((one for one in (INT8, FP16) if one in has), FP32)

    @property
    def ceilings(self) -> list[float]:
        """Tokens a second if reading the weights were all there is to do, by round."""
        return [speed / self.weight_bytes for speed in self.bandwidths]

    def speeds(self, peer: str, load: str) -> list[float]:
        """Return tokens per second, one for each round."""
        return [part.tokens_per_second for part in self.rounds.get((peer, load), [])]

    def first_texts(self, peer: str, load: str) -> list[float]:
        """Return the median seconds to the first text, one for each round."""
        parts = self.rounds.get((peer, load), [])
        return [median(part.first_texts) for part in parts]

    def gaps(self, peer: str, load: str) -> list[float]:
        """Return all gaps between texts, of all rounds."""
        return [gap for part in self.rounds.get((peer, load), []) for gap in part.gaps]
