"""Our engine, as the worker runs it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.load import TEMPERATURE, TOP_K, TOP_P, Ask, letters
from bench.measured import Measured, gaps_of, joined
from bench.memory import resident_mb
from chatsite.catalog import ModelEntry
from chatsite.wire import Ending, Request, Role, SamplingParams, Turn
from worker.engine.engine import TransformersEngine
from worker.engine.model import load

SLOTS = 32
#: Enough for all slots at full length, and as many rows that are kept.
MEMORY_MB = 6000
HISTORY_TOKENS = 600
NEXT_TOKENS = 30


class Heard:
    """A listener that notes when text comes."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.times: list[float] = []
        self.ending: Ending | None = None
        self._ended = threading.Event()

    def on_text(self, text: str, new_tokens: int) -> None:
        del text, new_tokens
        self.times.append(time.perf_counter())

    def on_end(self, ending: Ending) -> None:
        self.ending = ending
        self._ended.set()

    def wait(self) -> int:
        """Its number of new tokens, once it has ended."""
        self._ended.wait()
        if self.ending is None or self.ending.error:
            raise RuntimeError(f"a request of the measurement failed: {self.ending}")
        return self.ending.new_tokens


@dataclass(frozen=True, slots=True)
class Steadiness:
    """The first tenth of very many requests, and the last tenth."""

    requests: int
    tokens_per_second: tuple[float, float]
    resident_mb: tuple[float, float]


class Ours:
    """Implements ``bench.peers.Peer``, and what only we are asked."""

    def __init__(self, folder: Path, threads: int) -> None:
        model = load(folder, device="cpu", threads=threads)
        context_tokens = model.context_tokens
        entry = ModelEntry("bench", "bench", context_tokens=context_tokens, source=None)
        self._engine = TransformersEngine(model, entry, rows=SLOTS, memory_mb=MEMORY_MB)

    def run(self, asks: Sequence[Ask]) -> Measured:
        began = time.perf_counter()
        return _measured(began, [self._submit(ask) for ask in asks])

    def alone(self, asks: Sequence[Ask]) -> Measured:
        """One after another, with nobody beside them."""
        return joined([self.run([ask]) for ask in asks])

    def stream(self, arrivals: Sequence[tuple[float, Ask]], observed: int) -> Measured:
        """Requests that come at their times, seconds from the beginning.

        Text is observed of those whose prompt has at most ``observed`` tokens.
        """
        began = time.perf_counter()
        heard = []
        for seconds, ask in arrivals:
            time.sleep(max(0.0, began + seconds - time.perf_counter()))
            heard.append((len(ask.prompt), self._submit(ask)))
        for _, one in heard:
            one.wait()
        return _measured(began, [one for size, one in heard if size <= observed])

    def second_turn(self, conversations: int) -> tuple[float, float]:
        """Seconds to the first text: of a prompt never seen, and of its next turn.

        The next turn repeats the whole prompt of the first, and goes on.
        """
        dice = random.Random(7)
        cold, warm = [], []
        for _ in range(conversations):
            history = letters(dice, HISTORY_TOKENS)
            cold.append(self._first_text(history))
            warm.append(self._first_text(history + letters(dice, NEXT_TOKENS)))
        return median(cold), median(warm)

    def many(self, requests: Sequence[Ask]) -> Steadiness:
        """Very many requests; a tenth of them is submitted at a time."""
        tenth = len(requests) // 10
        parts = [requests[n * tenth : (n + 1) * tenth] for n in range(10)]
        speeds, sizes = [], []
        for part in parts:
            speeds.append(self.run(part).tokens_per_second)
            sizes.append(resident_mb())
        return Steadiness(tenth * 10, (speeds[0], speeds[-1]), (sizes[0], sizes[-1]))

    def _first_text(self, prompt: str) -> float:
        heard = self._submit(Ask(prompt, 4, 0))
        heard.wait()
        return heard.times[0] - heard.began

    def _submit(self, ask: Ask) -> Heard:
        settings = SamplingParams(
            temperature=TEMPERATURE,
            top_k=TOP_K,
            top_p=TOP_P,
            max_new_tokens=ask.new_tokens,
            seed=ask.seed,
        )
        turns = (Turn(Role.USER, ask.prompt),)
        heard = Heard()
        self._engine.submit(Request(turns, settings, max_seconds=3600), heard)
        return heard


def _measured(began: float, heard: Sequence[Heard]) -> Measured:
    return Measured(
        tokens=sum(one.wait() for one in heard),
        seconds=time.perf_counter() - began,
        # A reply of very few tokens may have no text at all: half a character.
        first_texts=[one.times[0] - one.began for one in heard if one.times],
        gaps=[gap for one in heard for gap in gaps_of(one.times)],
    )
