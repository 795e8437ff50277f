"""Our engine beside what people would use instead, on the same load.

    python -m bench.engine [--quick] [--json FILE] [--svg FILE]

Every peer lives in a process of its own and is measured while the others are idle. A
round measures each of them once; ratios are taken within a round, and their median over
the rounds is what counts, since the pace of a shared machine drifts.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench import model
from bench.child import Child, NotInstalled
from bench.load import Ask, asks
from bench.measured import Measured, paired, percentile
from bench.memory import read_bytes_per_second, weight_bytes
from bench.peers import PEERS, open_peer
from bench.plan import FULL, QUICK, Plan
from bench.plot import plot
from bench.report import Row, as_json, table

OURS, SEQUENTIAL, STATIC, *OTHERS = PEERS
BATCH = 32
PROMPT = (16, 64)
LONG_PROMPT = (16, 512)
EQUAL_PROMPT = (40, 40)
STREAM_PROMPT = (64, 64)
JOINING_PROMPT = (900, 900)
#: The share of what the engine can do that the streams ask of it.
STREAM_LOAD = 0.7
#: Names of the ratios to peers with all requests at once.
RATIOS = {
    STATIC: "vs_static_mixed_32",
    "transformers continuous": "vs_transformers_cb_32",
    "CTranslate2 fp32": "vs_ct2_fp32_32",
    "CTranslate2 int8": "vs_ct2_int8_32",
}


class Bench:
    """One run: the peers, what was measured, and what follows."""

    def __init__(self, plan: Plan, cache: Path, threads: int) -> None:
        self.plan = plan
        self.ratios: dict[str, float] = {}
        self.rows: list[Row] = []
        self.long_rows: list[Row] = []
        self.soak: dict[str, float] = {}
        self._threads = threads
        self._cache = cache
        self._folder = model.full_size(cache)
        self._measured: defaultdict[str, list[Measured]] = defaultdict(list)
        self._peers: dict[str, Child] = {}
        self._asks = asks(BATCH, prompt=PROMPT, new=plan.new)
        self._equal = asks(BATCH, prompt=EQUAL_PROMPT, new=(plan.equal_new,) * 2)

    def measure(self) -> None:
        """Everything, in the order in which later parts need earlier ones."""
        self._open_peers()
        bandwidth = read_bytes_per_second(self._threads)
        for number in range(self.plan.rounds):
            _say(f"round {number + 1} of {self.plan.rounds}")
            self._round()
        self._compare(ceiling=bandwidth / weight_bytes(self._folder))
        if self.plan.long:
            self._measure_long()
        self._measure_streams()
        self._measure_second_turn()
        self._measure_many()
        for peer in self._peers.values():
            peer.close()

    def _open_peers(self) -> None:
        _say("loading the models")
        names = [name for name in PEERS if name not in self.plan.without]
        started = {
            name: Child(open_peer, name, self._folder, self._threads) for name in names
        }
        for name, peer in started.items():
            try:
                peer.ready()
            except NotInstalled as error:
                _say(f"left out, not installed: {name} ({error})")
            else:
                self._peers[name] = peer
        for peer in self._peers.values():
            # The first request of each pays for what is made once.
            peer.call("run", asks(2, prompt=PROMPT, new=(4, 8)))

    def _round(self) -> None:
        few = self._asks[: self.plan.alone]
        self._run("alone", OURS, few, method="alone")
        self._run("alone", SEQUENTIAL, few)
        self._run("8", OURS, self._asks[:8])
        for name in (*OTHERS, OURS):
            self._run("32", name, self._asks)
        if self.plan.has_static_mixed and f"{STATIC}, 32" not in self._measured:
            # Slow, and only for information: once is enough.
            self._run("32", STATIC, self._asks)
        for name in (STATIC, OURS):
            self._run("32 equal", name, self._equal)

    def _run(
        self, load: str, name: str, asked: Sequence[Ask], *, method: str = "run"
    ) -> None:
        if peer := self._peers.get(name):
            found: Measured = peer.call(method, asked)
            self._measured[f"{name}, {load}"].append(found)
            _say(f"  {name}, {load}: {found.tokens_per_second:.1f} tokens/s")

    def _compare(self, ceiling: float) -> None:
        """Fill the table and the ratios from the rounds."""
        ours = self._speeds(f"{OURS}, 32")
        alone = self._speeds(f"{OURS}, alone")
        sequential = self._speeds(f"{SEQUENTIAL}, alone")
        self.ratios["vs_sequential_32"] = paired(ours, sequential)
        self.ratios["vs_sequential_1"] = paired(alone, sequential)
        self.ratios["vs_sequential_1_first_text"] = paired(
            self._first_texts(f"{OURS}, alone"),
            self._first_texts(f"{SEQUENTIAL}, alone"),
        )
        self.ratios["roofline_1"] = median(alone) / ceiling
        self.ratios["vs_static_32"] = paired(
            self._speeds(f"{OURS}, 32 equal"), self._speeds(f"{STATIC}, 32 equal")
        )
        for name, ratio in RATIOS.items():
            if f"{name}, 32" in self._measured:
                self.ratios[ratio] = paired(ours, self._speeds(f"{name}, 32"))
        for key, rounds in self._measured.items():
            peer = self._peers[key.split(",")[0]]
            self.rows.append(Row.of(key, rounds, peer.peak_mb()))
        unknown = [math.nan] * 5
        self.rows.append(Row("(memory bandwidth allows, alone)", ceiling, *unknown))

    def _speeds(self, key: str) -> list[float]:
        return [part.tokens_per_second for part in self._measured[key]]

    def _first_texts(self, key: str) -> list[float]:
        return [median(part.first_texts) for part in self._measured[key]]

    def _measure_long(self) -> None:
        """A second table: prompts of up to 512 tokens, once."""
        asked = asks(self.plan.long, prompt=LONG_PROMPT, new=self.plan.new, seed=2)
        for name in (STATIC, *OTHERS, OURS):
            if peer := self._peers.get(name):
                found = peer.call("run", asked)
                what = f"{name}, {self.plan.long} with prompts up to 512"
                self.long_rows.append(Row.of(what, [found], peer.peak_mb()))

    def _measure_streams(self) -> None:
        every_second = self._steady(1.0, PROMPT, seed=3)
        self._stream("ours, one more every second", every_second)
        capacity = median(self._speeds(f"{OURS}, 32"))
        per_second = STREAM_LOAD * capacity / (sum(self.plan.new) / 2)
        steady = self._steady(per_second, STREAM_PROMPT, seed=4)
        calm = self._stream("ours, at 70 % of capacity", steady)
        self.ratios["stream_first_text_p95_seconds"] = percentile(
            calm.first_texts, 0.95
        )
        joining = asks(99, prompt=JOINING_PROMPT, new=self.plan.new, seed=5)
        count = int(self.plan.stream_seconds / self.plan.join_seconds)
        joins = [(self.plan.join_seconds * (n + 0.5), joining[n]) for n in range(count)]
        busy = self._stream(
            "ours, the same while prompts of 900 join",
            sorted([*steady, *joins], key=lambda arrival: arrival[0]),
        )
        self.ratios["gap_p95_over_median"] = percentile(busy.gaps, 0.95) / median(
            busy.gaps
        )

    def _steady(
        self, per_second: float, prompt: tuple[int, int], *, seed: int
    ) -> list[tuple[float, Ask]]:
        """Requests that come evenly, with their times."""
        count = max(2, int(per_second * self.plan.stream_seconds))
        asked = asks(count, prompt=prompt, new=self.plan.new, seed=seed)
        return [(number / per_second, ask) for number, ask in enumerate(asked)]

    def _stream(self, what: str, arrivals: Sequence[tuple[float, Ask]]) -> Measured:
        """Text is observed of all but the prompts that only join."""
        _say(f"stream: {what}")
        peer = self._peers[OURS]
        found: Measured = peer.call("stream", arrivals, STREAM_PROMPT[1])
        self.rows.append(Row.of(what, [found], peer.peak_mb()))
        return found

    def _measure_second_turn(self) -> None:
        _say("second turns")
        cold, warm = self._peers[OURS].call("second_turn", self.plan.conversations)
        self.ratios["second_turn_first_text"] = warm / cold

    def _measure_many(self) -> None:
        """Very many short requests through one engine, on a very small model."""
        _say(f"{self.plan.many} requests through one engine")
        folder = model.small(self._cache)
        small = Child(open_peer, OURS, folder, self._threads)
        small.ready()
        asked = asks(self.plan.many, prompt=(4, 32), new=(4, 12), seed=6)
        steady = small.call("many", asked)
        self.soak = {
            "requests": steady.requests,
            "tokens_per_second_first_tenth": steady.tokens_per_second[0],
            "tokens_per_second_last_tenth": steady.tokens_per_second[1],
            "resident_mb_after_first_tenth": steady.resident_mb[0],
            "resident_mb_at_the_end": steady.resident_mb[1],
        }
        small.close()


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.engine")
    parser.add_argument("--quick", action="store_true", help="a rough look")
    parser.add_argument("--json", type=Path, help="write figures and ratios here")
    parser.add_argument("--svg", type=Path, help="draw the table here")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--cache", type=Path, default=Path(".cache/bench"))
    given = parser.parse_args(arguments)
    given.cache.mkdir(parents=True, exist_ok=True)
    bench = Bench(QUICK if given.quick else FULL, given.cache, given.threads)
    bench.measure()
    _tell(bench, given.threads)
    if given.json:
        given.json.write_text(json.dumps(_data(bench, given.threads), indent=2) + "\n")
    if given.svg:
        plot(bench.rows, given.svg)


def _tell(bench: Bench, threads: int) -> None:
    print(
        f"\nGPT-2 124M, float32, {threads} threads;"
        f" prompts of {PROMPT[0]} to {PROMPT[1]} tokens,"
        f" replies of {bench.plan.new[0]} to {bench.plan.new[1]};"
        f" medians of {bench.plan.rounds} rounds\n"
    )
    print(table(bench.rows))
    if bench.long_rows:
        print("\n" + table(bench.long_rows))
    print(
        "\n{requests} requests through one engine, first tenth and last:"
        " {tokens_per_second_first_tenth:.0f} and {tokens_per_second_last_tenth:.0f}"
        " tokens/s, {resident_mb_after_first_tenth:.0f} and"
        " {resident_mb_at_the_end:.0f} MB\n".format(**bench.soak)
    )
    for name, value in bench.ratios.items():
        print(f"{name:34}{value:8.2f}")


def _data(bench: Bench, threads: int) -> dict[str, object]:
    return {
        "ratios": bench.ratios,
        "rows": [as_json(row) for row in (*bench.rows, *bench.long_rows)],
        "soak": bench.soak,
        "rounds": bench.plan.rounds,
        "threads": threads,
    }


def _say(line: str) -> None:
    """Progress, aside from the result."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
