"""How fast the engine has been of late."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from worker.engine.interface import Pace
from worker.engine.scheduler import Span

#: How many steps back the pace looks.
STEPS = 200


@dataclass(frozen=True, slots=True)
class Step:
    seconds: float
    #: Tokens read: of prompts, and to write a further one each.
    prompt_tokens: int
    new_tokens: int


class PaceMeter:
    """Measures over the latest steps. ``add`` in one thread, ``pace`` in any."""

    def __init__(self) -> None:
        self._steps: deque[Step] = deque(maxlen=STEPS)

    def add(
        self, seconds: float, spans: Sequence[Span[Any]], *, new_tokens: int
    ) -> None:
        """Note a step, what it read, and how many tokens it brought."""
        read_tokens = sum(span.stop - span.start for span in spans)
        self._steps.append(Step(seconds, read_tokens - new_tokens, new_tokens))

    def pace(self, *, live: int, waiting: int) -> Pace:
        steps = list(self._steps)
        seconds = sum(step.seconds for step in steps)
        new_tokens = sum(step.new_tokens for step in steps)
        prompt_tokens = sum(step.prompt_tokens for step in steps)
        return Pace(
            tokens_per_second=new_tokens / seconds if seconds else 0.0,
            live=live,
            waiting=waiting,
            prefill_share=prompt_tokens / max(1, prompt_tokens + new_tokens),
        )
