"""Log probabilities of sampled tokens, where a request asks for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from worker.engine.logits import Floats, Logits
from worker.engine.sampling import Sampler


@dataclass(frozen=True, slots=True)
class Logprobs:
    """The log probability of a sampled token, and the likeliest tokens."""

    logprob: float
    #: Tokens and their log probabilities, the likeliest first.
    top: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """What is known of one row before bias and penalties change it."""

    logits: Floats
    #: The logarithm of the sum of all exponentials.
    log_sum: float
    top: tuple[tuple[int, float], ...]


class RawLogprobs:
    """Log probabilities by the model alone: the softmax of its logits.

    Neither the temperature nor bias nor a penalty changes them, as in OpenAI's API. So
    they are read before a step samples.
    """

    def __init__(self, logits: Logits, samplers: Sequence[Sampler]) -> None:
        """Read the rows whose requests ask for it. Raises ``NonFiniteLogits``."""
        self._rows: dict[int, _Row] = {}
        asked = {n: one for n, one in enumerate(samplers) if one.logprobs is not None}
        if not asked:
            return
        size = max(1, *(one.logprobs or 0 for one in asked.values()))
        rows = [*asked]
        found = logits.top(rows, min(size, logits.vocabulary), [1.0] * len(rows))
        for n, values, tokens, mass in zip(rows, *found, strict=True):
            log_sum = float(values[0]) + math.log(mass)
            logprobs = (values.astype(float) - log_sum).tolist()
            top = [*zip(tokens.tolist(), logprobs, strict=True)]
            row = logits.row(n)
            # Sampling changes the row where it lies.
            kept = row.copy() if asked[n].changes_logits else row
            self._rows[n] = _Row(kept, log_sum, tuple(top[: asked[n].logprobs]))

    def of(self, tokens: Sequence[int]) -> list[Logprobs | None]:
        """Return those of the sampled tokens; None where nothing was asked for."""
        if not self._rows:
            return [None] * len(tokens)
        return [self._of_row(n, token) for n, token in enumerate(tokens)]

    def _of_row(self, number: int, token: int) -> Logprobs | None:
        row = self._rows.get(number)
        if row is None:
            return None
        return Logprobs(float(row.logits[token]) - row.log_sum, row.top)
