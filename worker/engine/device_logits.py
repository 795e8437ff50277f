"""What sampling asks of logits, by torch on a device."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from worker.engine.gumbel_noise import Words, tokens_with_noise
from worker.engine.logits import (
    Biases,
    Doubles,
    Floats,
    Ints,
    TokenHistory,
    check_finite,
    factor_of,
)


class DeviceLogits:
    """Implements ``Logits`` on the device, which returns only what was found."""

    def __init__(self, logits: Tensor) -> None:
        self._logits = logits
        self.vocabulary = logits.shape[1]
        # Apple's GPUs have no double precision.
        self._sum_dtype = None if logits.device.type == "mps" else torch.float64

    def add(self, biases: Biases) -> None:
        """Implement ``Logits``."""
        device = self._logits.device
        for number, (tokens, values) in biases.items():
            places = torch.from_numpy(tokens).to(device)
            added = torch.from_numpy(values).to(device)
            row = self._logits[number]
            row.index_copy_(0, places, row[places] + added)

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
        check_finite(best)
        return best, tokens.cpu().numpy()

    def top(
        self, rows: Sequence[int], size: int, temperatures: Sequence[float]
    ) -> tuple[Floats, Ints, Doubles]:
        """Implement ``Logits``."""
        logits = self._select(rows)
        values, tokens = logits.topk(size)
        largest: Floats = values.cpu().numpy()
        check_finite(largest[:, 0])
        mass = np.full(len(rows), math.inf)
        if any(temperatures):
            weights = self._weights(logits, values[:, :1], temperatures)
            sums = weights.sum(-1, dtype=self._sum_dtype).cpu().double().numpy()
            mass = np.where(np.array(temperatures) > 0, sums, math.inf)
        return largest, tokens.cpu().numpy(), mass

    def mass_above(
        self, number: int, token: int, best: float, temperature: float
    ) -> float:
        """Implement ``Logits``."""
        row = self._logits[number]
        weights = self._weights(row[None], best, [temperature])[0]
        return float((weights * (row > row[token])).sum(dtype=self._sum_dtype))

    def with_noise(self, keys: Words, least: Doubles) -> tuple[Ints, Ints]:
        """Implement ``Logits``."""
        return tokens_with_noise(keys, self.vocabulary, least)

    def at(self, rows: Ints, tokens: Ints) -> Floats:
        """Implement ``Logits``."""
        places = (torch.from_numpy(rows), torch.from_numpy(tokens))
        values: Floats = self._logits[places].cpu().numpy()
        return values

    def row(self, number: int) -> Floats:
        """Implement ``Logits``."""
        row: Floats = self._logits[number].cpu().numpy()
        return row

    def _weights(
        self, logits: Tensor, best: Tensor | float, temperatures: Sequence[float]
    ) -> Tensor:
        factors = torch.tensor([[float(factor_of(one))] for one in temperatures])
        return (logits - best).mul_(factors.to(logits.device)).exp_()

    def _select(self, rows: Sequence[int]) -> Tensor:
        """Return some rows; without a copy if that is all of them."""
        every = len(rows) == len(self._logits)
        return self._logits if every else self._logits[list(rows)]
