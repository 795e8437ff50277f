"""The scenarios of ``bench.engine``: all engines with one model, in turns."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.busy_process import busy_process
from bench.measurement import Measurement
from bench.memory import embedding_mb, read_bytes_per_second, weight_bytes
from bench.peer_process import PeerProcess, start_peer
from bench.peers import (
    AUTO,
    CONTINUOUS,
    CT2_INT8,
    LLAMA_F32,
    LLAMA_Q8,
    OURS,
    PEERS,
    SEQUENTIAL,
    V0,
    Unavailable,
)
from bench.plan import Plan
from bench.results import BUSY, FIRST_TEXT, IDLE, JOINED, LATE, STREAM, Results
from bench.workload import BenchRequest, make_requests

PROMPT_TOKENS = 40
LONG_PROMPT_TOKENS = 500
LATE_POSITION, LATE_ROWS = 900, 8
STREAM_PROMPT_TOKENS = 64
JOINING_PROMPT_TOKENS = 900
#: The load of the streams, as a share of what v0 can do.
STREAM_LOAD = 0.5
#: Engines that no aim speaks of: their loads, measured in the first round alone.
INFORMATIVE = {LLAMA_F32: (1, 8), CONTINUOUS: (8,), SEQUENTIAL: (1,)}


class ModelBench:
    """One run over all engines with one model."""

    def __init__(
        self, plan: Plan, folder: Path, threads: int, results: Results
    ) -> None:
        """Open all engines that the plan names, each in a process of its own."""
        self._plan = plan
        self._threads = threads
        self._results = results
        self._seed = 0
        results.weight_bytes = weight_bytes(folder)
        results.embedding_mb = embedding_mb(folder)
        self._peers = self._opened(folder)

    def measure_loads(self) -> None:
        """Measure requests that come at once, and the first text of a long prompt."""
        for load, seconds in self._plan.round_seconds.items():
            began = time.monotonic()
            for number in range(self._plan.rounds_max):
                spent = time.monotonic() - began
                if number and spent * (number + 1) / number > seconds:
                    break
                self._round(load, number)
        best = self._results.best
        for number in range(self._plan.other_rounds):
            requests = self._requests(1, LONG_PROMPT_TOKENS, 4)
            others = self._peers.keys() - {V0, best, CT2_INT8, LLAMA_Q8}
            for name in self._in_order(number, others):
                self._run(name, FIRST_TEXT, requests)
        if self._plan.late_tokens:
            late = (LATE_POSITION, LATE_ROWS, self._plan.late_tokens)
            for _ in range(self._plan.other_rounds):
                for name in dict.fromkeys((V0, best)):
                    self._call(name, LATE, "at_position", *late)

    def measure_ours(self) -> None:
        """Measure what only our engine is asked: neighbours, streams, next turns."""
        best = self._results.best
        for _ in range(self._plan.neighbour_rounds):
            for name in dict.fromkeys((V0, best)):
                speed = median(self._results.speeds(name, "1") or [0])
                new = int(speed * self._plan.neighbour_seconds)
                new = min(max(new, self._plan.new_tokens), LATE_POSITION)
                requests = self._requests(2, PROMPT_TOKENS, new)
                self._run(name, IDLE, requests[:1])
                with busy_process():
                    self._run(name, BUSY, requests[1:])
        if self._plan.stream_seconds:
            for name in dict.fromkeys((V0, best)):
                self._measure_streams(name)
        seconds = self._peers[best].call("second_turn", self._plan.conversations)
        self._results.cold_seconds, self._results.warm_seconds = seconds

    def close(self) -> None:
        """Note the memory of all engines and end them."""
        for name, peer in self._peers.items():
            self._results.peak_mb[name] = peer.peak_mb()
            peer.close()

    def _opened(self, folder: Path) -> dict[str, PeerProcess]:
        progress(f"{self._results.model}: loading")
        names = [name for name in PEERS if name not in (AUTO, *self._plan.without)]
        started = {name: start_peer(name, folder, self._threads) for name in names}
        for name, peer in started.items():
            try:
                peer.ready()
            except Unavailable as error:
                self._results.missing[name] = str(error)
                progress(f"left out: {name} ({error})")
                peer.close()
        found = {n: p for n, p in started.items() if n not in self._results.missing}
        for peer in found.values():
            # The first requests pay for what an engine makes only once.
            peer.call("run", self._requests(2, PROMPT_TOKENS, 4))
        for name in (V0, *OURS):
            if name in found:
                self._results.occupied_mb[name] = found[name].call("occupied_mb")
        return found

    def _round(self, load: int, number: int) -> None:
        bandwidth = read_bytes_per_second(self._threads)
        self._results.bandwidths.append(bandwidth)
        requests = self._requests(load, PROMPT_TOKENS, self._plan.new_tokens)
        left_out = {
            name for name, loads in INFORMATIVE.items() if number or load not in loads
        }
        for name in self._in_order(number, left_out):
            self._run(name, str(load), requests)

    def _in_order(self, number: int, left_out: set[str]) -> list[str]:
        """Return the engines of a round, every other round in reverse."""
        names = [name for name in self._peers if name not in left_out]
        return names[::-1] if number % 2 else names

    def _requests(self, count: int, prompt: int, new: int) -> list[BenchRequest]:
        """Make requests that no engine has seen, so that none can reuse a prompt."""
        self._seed += 1
        return make_requests(
            count, prompt=(prompt, prompt), new=(new, new), seed=self._seed
        )

    def _run(self, name: str, load: str, requests: Sequence[BenchRequest]) -> None:
        self._call(name, load, "run", requests)

    def _call(self, name: str, load: str, method: str, *arguments: object) -> None:
        if peer := self._peers.get(name):
            found: Measurement = peer.call(method, *arguments)
            self._results.rounds[name, load].append(found)
            speed = f"{found.tokens_per_second:.1f} tokens/s"
            progress(f"  {self._results.model}, {name}, {load}: {speed}")

    def _measure_streams(self, name: str) -> None:
        """Observe a stream of requests, alone and while long prompts join."""
        new = self._plan.new_tokens
        largest = str(max(self._plan.round_seconds))
        capacity = median(self._results.speeds(V0, largest)) / new
        per_second = STREAM_LOAD * capacity
        count = max(2, int(per_second * self._plan.stream_seconds))
        # Each engine and each stream gets prompts of its own.
        for load, joins in ((STREAM, 0), (JOINED, self._joins())):
            steady = self._requests(count, STREAM_PROMPT_TOKENS, new)
            joining = self._requests(joins, JOINING_PROMPT_TOKENS, new)
            arrivals = [(n / per_second, one) for n, one in enumerate(steady)] + [
                (self._plan.join_seconds * (n + 0.5), one)
                for n, one in enumerate(joining)
            ]
            arrivals.sort(key=lambda arrival: arrival[0])
            self._call(name, load, "stream", arrivals, STREAM_PROMPT_TOKENS)

    def _joins(self) -> int:
        return int(self._plan.stream_seconds / self._plan.join_seconds)


def measure_many(name: str, small: Path, count: int, threads: int) -> dict[str, float]:
    """Send very many short requests through one engine with a very small model."""
    progress(f"{count} requests through {name}")
    peer = start_peer(name, small, threads)
    peer.ready()
    requests = make_requests(count, prompt=(4, 32), new=(4, 12), seed=6)
    steady = peer.call("many", requests)
    peer.close()
    return {
        "requests": steady.requests,
        "tokens_per_second_first_tenth": steady.tokens_per_second[0],
        "tokens_per_second_last_tenth": steady.tokens_per_second[1],
        "resident_mb_after_first_tenth": steady.resident_mb[0],
        "resident_mb_at_the_end": steady.resident_mb[1],
    }


def progress(line: str) -> None:
    """Print progress to standard error."""
    print(line, file=sys.stderr, flush=True)
