"""What sampling asks of logits, by NumPy.

Each operation takes microseconds, less than it costs to wake another thread, so all run
in the engine's own thread. NumPy never starts threads for them; torch would, and would
wait for a core that another process keeps busy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from torch import Tensor

from worker.engine.gumbel_noise import Words, tokens_with_noise
from worker.engine.logits import (
    Biases,
    Doubles,
    Floats,
    Ints,
    TokenHistory,
    check_finite,
    mass_scores,
)

#: The vocabulary is divided into blocks of at most so many tokens to find the largest
#: logits.
BLOCK_TOKENS: Final = 32


class CPULogits:
    """Implements ``Logits`` in the memory of the tensor."""

    def __init__(self, logits: Tensor) -> None:
        self._logits: Floats = logits.detach().numpy()
        self.vocabulary = logits.shape[1]

    def add(self, biases: Biases) -> None:
        """Implement ``Logits``."""
        for number, (tokens, values) in biases.items():
            self._logits[number, tokens] += values

    def penalise(self, penalties: Sequence[float], history: TokenHistory) -> None:
        """Implement ``Logits``."""
        for number, penalty in enumerate(penalties):
            if penalty == 1:
                continue
            row = self._logits[number]
            ids = history.of(number).numpy()
            values, factor = row[ids], np.float32(penalty)
            row[ids] = np.where(values < 0, values * factor, values / factor)

    def best(self, rows: Sequence[int]) -> tuple[Floats, Ints]:
        """Implement ``Logits``."""
        tokens = [int(self._logits[row].argmax()) for row in rows]
        values = [self._logits[row, t] for row, t in zip(rows, tokens, strict=True)]
        best = np.array(values, np.float32)
        check_finite(best)
        return best, np.array(tokens, np.int64)

    def top(
        self, rows: Sequence[int], size: int, temperatures: Sequence[float]
    ) -> tuple[Floats, Ints, Doubles]:
        """Implement ``Logits``."""
        values = np.empty((len(rows), size), np.float32)
        tokens = np.empty((len(rows), size), np.int64)
        mass = np.full(len(rows), math.inf)
        # Row by row, so that the processor's cache has a row at the second look.
        for n, number in enumerate(rows):
            row = self._logits[number]
            values[n], tokens[n] = _largest(row, size)
            if temperatures[n]:
                mass[n] = _mass(row, values[n, 0], temperatures[n])
        return values, tokens, mass

    def mass_above(
        self, number: int, token: int, best: float, temperature: float
    ) -> float:
        """Implement ``Logits``."""
        row = self._logits[number]
        return _mass(row[row > row[token]], best, temperature)

    def with_noise(self, keys: Words, least: Doubles) -> tuple[Ints, Ints]:
        """Implement ``Logits``."""
        return tokens_with_noise(keys, self.vocabulary, least)

    def at(self, rows: Ints, tokens: Ints) -> Floats:
        """Implement ``Logits``."""
        return self._logits[rows, tokens]

    def row(self, number: int) -> Floats:
        """Implement ``Logits``."""
        return self._logits[number]


def _largest(row: Floats, size: int) -> tuple[Floats, Ints]:
    """Return the ``size`` largest of a row and their places, largest first.

    The row is divided into blocks. At least ``size`` numbers are not below the largest
    of ``size`` blocks, so the smallest of those is a bound; few numbers reach it.
    """
    length = max(1, min(BLOCK_TOKENS, len(row) // (2 * size)))
    blocks = len(row) // length
    # Block n holds the places n, n + blocks, n + 2 · blocks …, which are compared as
    # whole lines. Tokens after the last line are in no block.
    largest = row[: length * blocks].reshape(length, blocks).max(0)
    bound = np.partition(largest, blocks - size)[blocks - size]
    places = np.flatnonzero(~(row < bound))  # NaN is found too.
    found = row[places]
    check_finite(found.max())
    order = np.argsort(-found, kind="stable")[:size]
    return found[order], places[order]


def _mass(logits: Floats, best: float | np.float32, temperature: float) -> float:
    scores = mass_scores(logits, best, temperature)
    return float(np.exp(scores, out=scores).sum(dtype=np.float64))
