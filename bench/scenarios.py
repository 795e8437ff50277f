"""The scenarios of ``bench.engine``, and their results."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench import random_model
from bench.measurement import Measurement
from bench.memory import read_bytes_per_second, weight_bytes
from bench.peer_process import NotInstalled, PeerProcess
from bench.peers import OURS, PEERS, SEQUENTIAL, STATIC, open_peer
from bench.plan import Plan
from bench.workload import BenchRequest, make_requests

BATCH = 32
PROMPT = (16, 64)
LONG_PROMPT = (16, 512)
EQUAL_PROMPT = (40, 40)
STREAM_PROMPT = (64, 64)
JOINING_PROMPT = (900, 900)
#: The load of the streams, as a share of the capacity of our engine.
STREAM_LOAD = 0.7

# Names of the workloads, as in the table.
ALONE, EIGHT, ALL, EQUAL = "alone", "8", f"{BATCH}", f"{BATCH} equal"
EVERY_SECOND = "one more every second"
STEADY = f"at {STREAM_LOAD:.0%} of capacity"
JOINED = "the same while prompts of 900 join"


@dataclass
class Results:
    """All figures of one run. ``peer`` is the name of an engine."""

    #: By peer and workload, one measurement for each round.
    rounds: defaultdict[tuple[str, str], list[Measurement]] = field(
        default_factory=lambda: defaultdict(list)
    )
    #: By peer: prompts of up to 512 tokens.
    long: dict[str, Measurement] = field(default_factory=dict)
    #: Our engine only, by workload.
    streams: dict[str, Measurement] = field(default_factory=dict)
    #: Peak memory of each peer's process, in MiB.
    peak_mb: dict[str, float] = field(default_factory=dict)
    #: Tokens per second if only the memory bandwidth counted, one for each round.
    ceilings: list[float] = field(default_factory=list)
    #: Seconds to the first text: of a new long prompt, and of its next turn.
    cold_seconds: float = 0.0
    warm_seconds: float = 0.0
    soak: dict[str, float] = field(default_factory=dict)

    def speeds(self, peer: str, load: str) -> list[float]:
        """Return tokens per second, one for each round."""
        return [part.tokens_per_second for part in self.rounds[peer, load]]

    def first_texts(self, peer: str, load: str) -> list[float]:
        """Return the median seconds to the first text, one for each round."""
        return [median(part.first_texts) for part in self.rounds[peer, load]]


class Bench:
    """One run over all engines."""

    def __init__(self, plan: Plan, cache: Path, threads: int) -> None:
        self._plan = plan
        self._threads = threads
        self._cache = cache
        self._folder = random_model.full_size(cache)
        self._peers: dict[str, PeerProcess] = {}
        self._results = Results()
        self._mixed = make_requests(BATCH, prompt=PROMPT, new=plan.new)
        self._equal = make_requests(
            BATCH, prompt=EQUAL_PROMPT, new=(plan.equal_new,) * 2
        )

    def measure(self) -> Results:
        """Measure everything, in an order in which later parts can use earlier ones."""
        self._open_peers()
        for number in range(self._plan.rounds):
            _progress(f"round {number + 1} of {self._plan.rounds}")
            self._round()
        if self._plan.long:
            self._measure_long()
        self._measure_streams()
        self._measure_second_turn()
        self._measure_many()
        for name, peer in self._peers.items():
            self._results.peak_mb[name] = peer.peak_mb()
            peer.close()
        return self._results

    def _open_peers(self) -> None:
        _progress("loading the models")
        names = [name for name in PEERS if name not in self._plan.without]
        started = {
            name: PeerProcess(open_peer, name, self._folder, self._threads)
            for name in names
        }
        for name, peer in started.items():
            try:
                peer.ready()
            except NotInstalled as error:
                _progress(f"left out, not installed: {name} ({error})")
            else:
                self._peers[name] = peer
        for peer in self._peers.values():
            # The first requests pay for what an engine makes only once.
            peer.call("run", make_requests(2, prompt=PROMPT, new=(4, 8)))

    def _round(self) -> None:
        bandwidth = read_bytes_per_second(self._threads)
        self._results.ceilings.append(bandwidth / weight_bytes(self._folder))
        few = self._mixed[: self._plan.alone]
        self._run(OURS, ALONE, few, method="alone")
        self._run(SEQUENTIAL, ALONE, few)
        self._run(OURS, EIGHT, self._mixed[:8])
        for name in self._peers:
            if name not in (SEQUENTIAL, STATIC):
                self._run(name, ALL, self._mixed)
        if self._plan.has_static_mixed and not self._results.rounds[STATIC, ALL]:
            # Slow and only informative, so it runs once.
            self._run(STATIC, ALL, self._mixed)
        for name in (STATIC, OURS):
            self._run(name, EQUAL, self._equal)

    def _run(
        self,
        name: str,
        load: str,
        requests: Sequence[BenchRequest],
        *,
        method: str = "run",
    ) -> None:
        if peer := self._peers.get(name):
            found: Measurement = peer.call(method, requests)
            self._results.rounds[name, load].append(found)
            _progress(f"  {name}, {load}: {found.tokens_per_second:.1f} tokens/s")

    def _measure_long(self) -> None:
        requests = make_requests(
            self._plan.long, prompt=LONG_PROMPT, new=self._plan.new, seed=2
        )
        for name, peer in self._peers.items():
            if name != SEQUENTIAL:
                self._results.long[name] = peer.call("run", requests)

    def _measure_streams(self) -> None:
        self._stream(EVERY_SECOND, self._steady(1.0, PROMPT, seed=3))
        capacity = median(self._results.speeds(OURS, ALL))
        per_second = STREAM_LOAD * capacity / (sum(self._plan.new) / 2)
        steady = self._steady(per_second, STREAM_PROMPT, seed=4)
        self._stream(STEADY, steady)
        joining = make_requests(99, prompt=JOINING_PROMPT, new=self._plan.new, seed=5)
        count = int(self._plan.stream_seconds / self._plan.join_seconds)
        joins = [
            (self._plan.join_seconds * (n + 0.5), joining[n]) for n in range(count)
        ]
        self._stream(JOINED, sorted([*steady, *joins], key=lambda arrival: arrival[0]))

    def _steady(
        self, per_second: float, prompt: tuple[int, int], *, seed: int
    ) -> list[tuple[float, BenchRequest]]:
        """Make requests at even intervals, each with its time in seconds."""
        count = max(2, int(per_second * self._plan.stream_seconds))
        requests = make_requests(count, prompt=prompt, new=self._plan.new, seed=seed)
        return [
            (number / per_second, request) for number, request in enumerate(requests)
        ]

    def _stream(
        self, load: str, arrivals: Sequence[tuple[float, BenchRequest]]
    ) -> None:
        """Observe the texts of all requests except the long prompts that join."""
        _progress(f"stream: {load}")
        found = self._peers[OURS].call("stream", arrivals, STREAM_PROMPT[1])
        self._results.streams[load] = found

    def _measure_second_turn(self) -> None:
        _progress("second turns")
        seconds = self._peers[OURS].call("second_turn", self._plan.conversations)
        self._results.cold_seconds, self._results.warm_seconds = seconds

    def _measure_many(self) -> None:
        """Send very many short requests through one engine with a very small model."""
        _progress(f"{self._plan.many} requests through one engine")
        folder = random_model.small(self._cache)
        small = PeerProcess(open_peer, OURS, folder, self._threads)
        small.ready()
        requests = make_requests(self._plan.many, prompt=(4, 32), new=(4, 12), seed=6)
        steady = small.call("many", requests)
        self._results.soak = {
            "requests": steady.requests,
            "tokens_per_second_first_tenth": steady.tokens_per_second[0],
            "tokens_per_second_last_tenth": steady.tokens_per_second[1],
            "resident_mb_after_first_tenth": steady.resident_mb[0],
            "resident_mb_at_the_end": steady.resident_mb[1],
        }
        small.close()


def _progress(line: str) -> None:
    """Print progress to standard error."""
    print(line, file=sys.stderr, flush=True)
