"""Our engine, configured as the worker runs it."""

from __future__ import annotations

import inspect
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from bench.measurement import Measurement, gaps_of
from bench.memory import resident_mb
from bench.peers import Unavailable
from bench.workload import TOP_K, TOP_P, BenchRequest, random_prompt
from chatsite.catalog import ModelEntry
from chatsite.logprobs import TokenLogprobs
from chatsite.wire import Ending, Request, Role, SamplingParams, Turn
from worker.engine.factory import open_engine
from worker.engine.interface import Engine, ModelUnavailable

SLOTS = 32
#: Enough for all slots at full length, and as many rows kept for reuse.
MEMORY_MB = 6000
CONTEXT_TOKENS = 2048
HISTORY_TOKENS = 600
NEXT_TOKENS = 30


class TextTimes:
    """A listener that notes when each text comes."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.times: list[float] = []
        self.text = ""
        self.ending: Ending | None = None
        self._ended = threading.Event()

    def on_text(
        self, text: str, new_tokens: int, logprobs: Sequence[TokenLogprobs] = ()
    ) -> None:
        """Note a text and its time."""
        del new_tokens, logprobs
        self.times.append(time.perf_counter())
        self.text += text

    def on_end(self, ending: Ending) -> None:
        """Note how the request ended."""
        self.ending = ending
        self._ended.set()

    def wait(self) -> int:
        """Wait for the end; return the number of new tokens."""
        self._ended.wait()
        if self.ending is None or self.ending.error:
            raise RuntimeError(f"a request of the measurement failed: {self.ending}")
        return self.ending.new_tokens


@dataclass(frozen=True, slots=True)
class FirstAndLastTenth:
    """Throughput and memory in the first and the last tenth of very many requests."""

    requests: int
    tokens_per_second: tuple[float, float]
    resident_mb: tuple[float, float]


class Ours:
    """Implements ``bench.peers.Peer``, and the scenarios for our engine alone."""

    def __init__(
        self,
        folder: Path,
        threads: int,
        precision: str = "fp32",
        data: str = "worker-data",
        lookup: str = "on",
    ) -> None:
        """Open an engine.

        ``data``: the name of a folder beside the model's, for what is made once.
        ``lookup``: "on" or "off", the drafts from what a reply said before.
        """
        # What any engine needs is loaded before, so that the model's share shows.
        import_module("worker.engine.engine")
        before = resident_mb()
        began = time.perf_counter()
        self._engine = _opened(
            folder,
            threads,
            precision=precision,
            data_dir=folder.parent / data,
            prompt_lookup=lookup == "on",
        )
        self._load_seconds = time.perf_counter() - began
        self._occupied_mb = resident_mb() - before

    def load_seconds(self) -> float:
        """Return how long loading took, from an interpreter that has torch loaded."""
        return self._load_seconds

    def occupied_mb(self) -> float:
        """Return what the process grew by while it loaded, in MiB."""
        return self._occupied_mb

    def run(self, requests: Sequence[BenchRequest]) -> Measurement:
        """Submit all requests at once."""
        began = time.perf_counter()
        return _measured(began, [self._submit(request) for request in requests])

    def texts(self, requests: Sequence[BenchRequest]) -> list[str]:
        """Return the replies to requests that are submitted at once."""
        replies = [self._submit(request) for request in requests]
        for reply in replies:
            reply.wait()
        return [reply.text for reply in replies]

    def at_position(self, position: int, rows: int, new_tokens: int) -> Measurement:
        """Continue ``rows`` replies to one prompt of ``position`` tokens.

        The prompt is read once before, and then copied from row to row. The result
        covers the time from the first text of the last reply on.
        """
        dice = random.Random(position)
        prompt = random_prompt(dice, position)
        self._submit(BenchRequest(prompt, 1, 0)).wait()
        replies = [
            self._submit(BenchRequest(prompt, new_tokens, seed)) for seed in range(rows)
        ]
        for reply in replies:
            reply.wait()
        began = max(reply.times[0] for reply in replies)
        times = [time for reply in replies for time in reply.times if time > began]
        gaps = [gap for reply in replies for gap in gaps_of(reply.times)]
        return Measurement(len(times), max(times) - began, [], gaps)

    def stream(
        self, arrivals: Sequence[tuple[float, BenchRequest]], observed: int
    ) -> Measurement:
        """Submit each request at its time, in seconds from the beginning.

        The result covers the requests whose prompt has at most ``observed`` tokens.
        """
        began = time.perf_counter()
        replies = []
        for seconds, request in arrivals:
            time.sleep(max(0.0, began + seconds - time.perf_counter()))
            replies.append((len(request.prompt), self._submit(request)))
        for _, one in replies:
            one.wait()
        return _measured(began, [one for size, one in replies if size <= observed])

    def second_turn(self, conversations: int) -> tuple[float, float]:
        """Return median seconds to the first text of a new prompt and of its next turn.

        The next turn repeats the whole first prompt and continues it.
        """
        dice = random.Random(7)
        cold, warm = [], []
        for _ in range(conversations):
            history = random_prompt(dice, HISTORY_TOKENS)
            cold.append(self._first_text(history))
            warm.append(self._first_text(history + random_prompt(dice, NEXT_TOKENS)))
        return median(cold), median(warm)

    def many(self, requests: Sequence[BenchRequest]) -> FirstAndLastTenth:
        """Run very many requests, a tenth of them at a time."""
        tenth = len(requests) // 10
        parts = [requests[n * tenth : (n + 1) * tenth] for n in range(10)]
        speeds, sizes = [], []
        for part in parts:
            speeds.append(self.run(part).tokens_per_second)
            sizes.append(resident_mb())
        return FirstAndLastTenth(
            tenth * 10, (speeds[0], speeds[-1]), (sizes[0], sizes[-1])
        )

    def _first_text(self, prompt: str) -> float:
        reply = self._submit(BenchRequest(prompt, 4, 0))
        reply.wait()
        return reply.times[0] - reply.began

    def _submit(self, request: BenchRequest) -> TextTimes:
        settings = SamplingParams(
            temperature=request.temperature,
            top_k=TOP_K,
            top_p=TOP_P,
            max_new_tokens=request.new_tokens,
            seed=request.seed,
        )
        turns = (Turn(Role.USER, request.prompt),)
        times = TextTimes()
        self._engine.submit(Request(turns, settings, max_seconds=3600), times)
        return times


def _opened(folder: Path, threads: int, **options: Any) -> Engine:
    """Open an engine for a model; raise ``Unavailable`` for a precision it lacks."""
    entry = ModelEntry("bench", "bench", context_tokens=CONTEXT_TOKENS, source=None)
    # The earlier engine knows none of the options: it has only fp32.
    known = inspect.signature(open_engine).parameters
    try:
        return open_engine(
            entry,
            folder,
            rows=SLOTS,
            device="cpu",
            threads=threads,
            memory_mb=MEMORY_MB,
            **{name: value for name, value in options.items() if name in known},
        )
    except ModelUnavailable as error:
        raise Unavailable(str(error)) from error


def _measured(began: float, replies: Sequence[TextTimes]) -> Measurement:
    return Measurement(
        tokens=sum(one.wait() for one in replies),
        seconds=time.perf_counter() - began,
        # A reply of very few tokens may have no text: only part of a character.
        first_texts=[one.times[0] - one.began for one in replies if one.times],
        gaps=[gap for one in replies for gap in gaps_of(one.times)],
    )
