"""Measures the speed of an engine over its latest steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from worker.engine.interface import Throughput
from worker.engine.sequence import Chunk

#: Number of steps that the measurement covers.
MEASURED_STEPS = 200


@dataclass(frozen=True, slots=True)
class Step:
    """Duration of one step, and what it read."""

    seconds: float
    #: Prompt tokens after which no token was sampled.
    prompt_tokens: int
    #: Tokens that were sampled.
    new_tokens: int


class ThroughputMeter:
    """Measures over the latest steps. Add in one thread, measure in any."""

    def __init__(self) -> None:
        self._steps: deque[Step] = deque(maxlen=MEASURED_STEPS)

    def add(
        self, seconds: float, chunks: Sequence[Chunk[Any]], *, new_tokens: int
    ) -> None:
        """Record one step: its duration, what it read, and how many tokens came."""
        read_tokens = sum(chunk.known_stop - chunk.start for chunk in chunks)
        prompt_tokens = max(0, read_tokens - new_tokens)
        self._steps.append(Step(seconds, prompt_tokens, new_tokens))

    def measure(self, *, running: int, waiting: int) -> Throughput:
        """Return the throughput of the recorded steps, with the load given."""
        steps = list(self._steps)
        seconds = sum(step.seconds for step in steps)
        new_tokens = sum(step.new_tokens for step in steps)
        prompt_tokens = sum(step.prompt_tokens for step in steps)
        return Throughput(
            tokens_per_second=new_tokens / seconds if seconds else 0.0,
            running=running,
            waiting=waiting,
            prefill_share=prompt_tokens / max(1, prompt_tokens + new_tokens),
        )
