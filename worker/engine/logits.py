"""What sampling asks of the logits of a step, wherever they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from worker.engine.gumbel_noise import Words

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Relative error of a mass at most: exponentials in float32, sums in double precision
#: (in C the sums of four in float32).
MASS_ERROR: Final = 2.0**-20
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


#: For some rows by number: tokens, each once, and what is added to their logits.
Biases = Mapping[int, tuple[Ints, Floats]]


class Logits(Protocol):
    """The logits of some replies, [replies, vocabulary]. Rows are named by number.

    ``best`` and ``top`` raise ``NonFiniteLogits`` if the largest of a row is not
    finite; NaN counts as the largest.
    """

    vocabulary: int

    def add(self, biases: Biases) -> None:
        """Add to the logits of some tokens, in float32."""
        ...

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
        [rows]; for a temperature of 0 it is infinite. A weight is the exponential of a
        score (``mass_scores``). Relative error: ``MASS_ERROR``.
        """
        ...

    def mass_above(
        self, number: int, token: int, best: float, temperature: float
    ) -> float:
        """Return the sum of the weights of all tokens with a larger logit than one.

        ``best``: the largest logit of the row. Relative error: ``MASS_ERROR``.
        """
        ...

    def with_noise(self, keys: Words, least: Doubles) -> tuple[Ints, Ints]:
        """Return the tokens whose noise is at least so much, and perhaps a few others.

        ``keys``, ``least``: [rows]. For each token found its place in ``keys`` and
        itself: [found].
        """
        ...

    def at(self, rows: Ints, tokens: Ints) -> Floats:
        """Return the logits of some tokens, each in a row: [tokens]."""
        ...

    def row(self, number: int) -> Floats:
        """Return one row, [vocabulary]; on a CPU not a copy."""
        ...


def scores_of(
    logits: Floats, best: Floats | float, temperatures: npt.ArrayLike
) -> Floats:
    """Return logits over temperature, with 0 for the best of each row, [rows, 1]."""
    divisors = np.maximum(temperatures, SMALLEST_TEMPERATURE)[:, None]
    # Subtracting the best first keeps a tiny temperature from overflowing.
    return np.divide(logits - best, divisors, dtype=np.float32, casting="same_kind")


def factor_of(temperature: float) -> np.float32:
    """Return what the logits are multiplied by where all of them have weights."""
    return np.float32(1 / max(temperature, SMALLEST_TEMPERATURE))


def exact_mass(
    logits: Floats, best: float, temperature: float, above: float = -math.inf
) -> float:
    """Return a sum of weights in double precision: what decides where others are near.

    ``above``: the tokens with a larger logit than this count. ``best``: the largest.
    """
    scores = mass_scores(logits[logits > above], best, temperature)
    return float(np.exp(scores, dtype=np.float64).sum())


def mass_scores(logits: Floats, best: float | np.float32, temperature: float) -> Floats:
    """Return the scores, the same to the last bit on every device."""
    scores: Floats = np.subtract(logits, np.float32(best))
    scores *= factor_of(temperature)
    return scores


def check_finite(largest: np.float32 | Floats) -> None:
    """Raise ``NonFiniteLogits`` unless the largest logits are finite."""
    if not np.isfinite(largest).all():
        raise NonFiniteLogits("the logits are not finite")
