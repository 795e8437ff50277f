"""What sampling asks of the logits of a step: on the CPU by NumPy, elsewhere by torch.

On a CPU each of these takes microseconds, less than it costs to wake another thread, so
all run in the engine's own thread. NumPy never starts threads for them; torch would,
and would wait for a core that another process keeps busy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: The vocabulary is divided into blocks of at most so many tokens to find the largest
#: logits.
BLOCK_TOKENS: Final = 32
#: Temperatures below are taken for it, so that dividing by one is possible.
SMALLEST_TEMPERATURE: Final = float(np.finfo(np.float32).tiny)


class NonFiniteLogits(ArithmeticError):
    """The model returned logits that are not finite numbers."""


@dataclass(frozen=True, slots=True)
class TokenHistory:
    """The tokens of prompt and reply so far. Gathered only where a penalty asks."""

    ids: Tensor  # [rows, longest]
    #: How many ids of each reply count, at least 1.
    lengths: Tensor  # [replies]
    #: The row of each reply; None if it is the number of the reply.
    rows: Tensor | None = None  # [replies]

    def of(self, number: int) -> Tensor:
        """Return the tokens of one reply: [its length]."""
        row = number if self.rows is None else int(self.rows[number])
        return self.ids[row, : int(self.lengths[number])]

    def padded(self) -> Tensor:
        """Return the tokens of all replies, and any behind them: [replies, longest]."""
        ids = self.ids[:, : int(self.lengths.max())]
        return ids if self.rows is None else ids[self.rows]


class Logits(Protocol):
    """The logits of some replies, [replies, vocabulary]. Rows are named by number.

    ``best`` and ``top`` raise ``NonFiniteLogits`` if the largest of a row is not
    finite; NaN counts as the largest.
    """

    vocabulary: int

    def penalise(self, penalties: Sequence[float], history: TokenHistory) -> None:
        """Make the earlier tokens of each reply less likely; 1 is no penalty.

        Source: CTRL, Keskar et al. 2019.
        """
        ...

    def best(self, rows: Sequence[int]) -> tuple[Floats, Ints]:
        """Return the largest logit of each row, and its token."""
        ...

    def top(
        self, rows: Sequence[int], size: int, temperatures: Sequence[float]
    ) -> tuple[Floats, Ints, Doubles]:
        """Return the ``size`` largest logits of each row, their tokens, and the mass.

        The first two are [rows, size], largest first; of equal logits on a CPU, the
        lower token. The mass is the sum of the weights of all tokens at a temperature,
        [rows]; for a temperature of 0 it is infinite.
        """
        ...

    def row(self, number: int) -> Floats:
        """Return one row, [vocabulary]; on a CPU not a copy."""
        ...


def logits_of(logits: Tensor) -> Logits:
    """Wrap float32 [replies, vocabulary], which a penalty will change in place."""
    on_cpu = logits.device.type == "cpu"
    return CPULogits(logits) if on_cpu else DeviceLogits(logits)


def scores_of(
    logits: Floats, best: Floats | float, temperatures: Sequence[float]
) -> Floats:
    """Return logits over temperature, with 0 for the best of each row, [rows, 1]."""
    divisors = [[max(value, SMALLEST_TEMPERATURE)] for value in temperatures]
    # Subtracting the best first keeps a tiny temperature from overflowing.
    return np.divide(logits - best, divisors, dtype=np.float32)


def weights_of(logits: Floats, best: float | np.float32, temperature: float) -> Floats:
    """Return the weight of every token of a row, [vocabulary].

    A weight is the exponential of a score; see ``scores_of``.
    """
    weights = np.subtract(logits, np.float32(best))
    weights *= np.float32(1 / max(temperature, SMALLEST_TEMPERATURE))
    found: Floats = np.exp(weights, out=weights)
    return found


def sum_of(weights: Floats) -> float:
    """Return the sum of one row. NumPy's own ``sum`` takes twice as long."""
    return float(np.einsum("i->", weights))


class CPULogits:
    """Implements ``Logits`` in the memory of the tensor."""

    def __init__(self, logits: Tensor) -> None:
        self._logits: Floats = logits.detach().numpy()
        self.vocabulary = logits.shape[1]

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
        _check_finite(best)
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
                mass[n] = sum_of(weights_of(row, values[n, 0], temperatures[n]))
        return values, tokens, mass

    def row(self, number: int) -> Floats:
        """Implement ``Logits``."""
        return self._logits[number]


class DeviceLogits:
    """Implements ``Logits`` on the device, which returns only what was found."""

    def __init__(self, logits: Tensor) -> None:
        self._logits = logits
        self.vocabulary = logits.shape[1]

    def penalise(self, penalties: Sequence[float], history: TokenHistory) -> None:
        """Implement ``Logits``."""
        if all(penalty == 1 for penalty in penalties):
            return
        ids = history.padded()
        places = torch.arange(ids.shape[1], device=ids.device)
        is_padding = places >= history.lengths[:, None]
        ids = ids.where(~is_padding, ids[:, :1])  # [replies, longest]
        factors = torch.tensor(penalties, device=ids.device)[:, None]
        values = self._logits.gather(1, ids)  # [replies, longest]
        values = torch.where(values < 0, values * factors, values / factors)
        self._logits = self._logits.scatter(1, ids, values)

    def best(self, rows: Sequence[int]) -> tuple[Floats, Ints]:
        """Implement ``Logits``."""
        values, tokens = self._select(rows).max(-1)
        best: Floats = values.cpu().numpy()
        _check_finite(best)
        return best, tokens.cpu().numpy()

    def top(
        self, rows: Sequence[int], size: int, temperatures: Sequence[float]
    ) -> tuple[Floats, Ints, Doubles]:
        """Implement ``Logits``."""
        logits = self._select(rows)
        values, tokens = logits.topk(size)
        largest: Floats = values.cpu().numpy()
        _check_finite(largest[:, 0])
        mass = np.full(len(rows), math.inf)
        if any(temperatures):
            asked = torch.tensor(temperatures, dtype=torch.float32)
            divisors = asked.clamp(min=SMALLEST_TEMPERATURE)[:, None]
            weights = (logits - values[:, :1]).div_(divisors.to(logits.device)).exp_()
            sums = weights.sum(-1).cpu().double().numpy()
            mass = np.where(asked.numpy() > 0, sums, math.inf)
        return largest, tokens.cpu().numpy(), mass

    def row(self, number: int) -> Floats:
        """Implement ``Logits``."""
        row: Floats = self._logits[number].cpu().numpy()
        return row

    def _select(self, rows: Sequence[int]) -> Tensor:
        """Return some rows; without a copy if that is all of them."""
        every = len(rows) == len(self._logits)
        return self._logits if every else self._logits[list(rows)]


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
    _check_finite(found.max())
    order = np.argsort(-found, kind="stable")[:size]
    return found[order], places[order]


def _check_finite(largest: np.float32 | Floats) -> None:
    if not np.isfinite(largest).all():
        raise NonFiniteLogits("the logits are not finite")
