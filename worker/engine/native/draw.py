"""What sampling asks of logits, found in C on the threads of the forward pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from ctypes import byref
from typing import Any

import numpy as np
from torch import Tensor

from worker.engine.cpu_logits import CPULogits
from worker.engine.gumbel_noise import Words, bounds_of
from worker.engine.logits import (
    Doubles,
    Floats,
    Ints,
    NonFiniteLogits,
    factor_of,
)
from worker.engine.native.library import DrawStruct, Outcome

#: There is room for the tokens with noise that are expected, and so many standard
#: deviations more. If a row has still more, they are found once again.
DEVIATIONS = 6


class NativeLogits(CPULogits):
    """Implements ``Logits`` by the C library. Draws the same tokens as ``CPULogits``.

    One thread at a time may use those of an engine.
    """

    def __init__(self, logits: Tensor, library: Any, engine: Any) -> None:
        """``library``, ``engine``: of the forward pass, which must stay open."""
        super().__init__(logits.contiguous())
        self._library, self._engine = library, engine

    def best(self, rows: Sequence[int]) -> tuple[Floats, Ints]:
        """Implement ``Logits``. Raises ``MemoryError``."""
        values, tokens, _ = self.top(rows, 1, [0] * len(rows))
        return values[:, 0], tokens[:, 0]

    def top(
        self, rows: Sequence[int], size: int, temperatures: Sequence[float]
    ) -> tuple[Floats, Ints, Doubles]:
        """Implement ``Logits``. Raises ``MemoryError``."""
        numbers = np.array(rows, np.int64)
        factors = np.array([factor_of(one) if one else 0 for one in temperatures], "f4")
        values = np.empty((len(rows), size), np.float32)
        tokens = np.empty((len(rows), size), np.int64)
        mass = np.full(len(rows), math.inf)
        outcomes = np.empty(len(rows), np.int32)
        self._draw(
            len(rows),
            size=size,
            logits=self._logits.ctypes.data,
            numbers=numbers.ctypes.data,
            factors=factors.ctypes.data,
            top=values.ctypes.data,
            tokens=tokens.ctypes.data,
            masses=mass.ctypes.data,
            outcomes=outcomes.ctypes.data,
        )
        if (outcomes == Outcome.NO_MEMORY).any():
            raise MemoryError("no memory for the largest logits of a row")
        if (outcomes == Outcome.NOT_FINITE).any():
            raise NonFiniteLogits("the logits are not finite")
        return values, tokens, mass

    def mass_above(
        self, number: int, token: int, best: float, temperature: float
    ) -> float:
        """Implement ``Logits``."""
        row = self._logits[number]
        mass: float = self._library.engine_mass_above(
            row.ctypes.data, self.vocabulary, token, best, factor_of(temperature)
        )
        return mass

    def with_noise(self, keys: Words, least: Doubles) -> tuple[Ints, Ints]:
        """Implement ``Logits``."""
        bounds = bounds_of(least)
        expected = self.vocabulary * (1 - bounds.min() / 2.0**64)
        size = int(expected + DEVIATIONS * math.sqrt(expected)) + 1
        found, counts = self._noisy(keys, bounds, min(size, self.vocabulary))
        if counts.max() > found.shape[1]:
            found, counts = self._noisy(keys, bounds, int(counts.max()))
        parts = [row[:count] for row, count in zip(found, counts, strict=True)]
        return np.repeat(np.arange(len(keys)), counts), np.concatenate(parts)

    def _noisy(self, keys: Words, bounds: Words, size: int) -> tuple[Ints, Ints]:
        """Return at most ``size`` tokens a row, and how many there are of each row."""
        found = np.empty((len(keys), size), np.int64)
        counts = np.empty(len(keys), np.int64)
        self._draw(
            len(keys),
            size=size,
            keys=keys.ctypes.data,
            bounds=bounds.ctypes.data,
            noisy=found.ctypes.data,
            counts=counts.ctypes.data,
        )
        return found, counts

    def _draw(self, rows: int, **fields: int) -> None:
        asked = DrawStruct(rows=rows, vocabulary=self.vocabulary, **fields)
        self._library.engine_draw(self._engine, byref(asked))
