"""Packs the tokens of one step into one sequence, as tensors on the model's device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from worker.engine.sequence import Chunk


@dataclass(frozen=True, slots=True)
class Span:
    """Packed tokens that follow one another in a row."""

    row: int
    #: Positions in the row: of the first token, and one past the last.
    start: int
    stop: int
    #: Index of the first token among the packed ones.
    first: int

    @property
    def tokens(self) -> slice:
        """The packed tokens."""
        return slice(self.first, self.first + self.stop - self.start)


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """The tokens of one step, packed one after another."""

    #: Id, row and position of each token: [tokens].
    ids: Tensor
    rows: Tensor
    positions: Tensor
    #: Indices of the packed tokens after which a new token is sampled: [sampled].
    last: Tensor
    #: The same tokens, as the chunks that they came in.
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, chunks: Sequence[Chunk[Any]], device: torch.device) -> PackedBatch:
        """Pack the tokens of chunks, in their order."""
        ids: list[int] = []
        rows: list[int] = []
        positions: list[int] = []
        last: list[int] = []
        spans: list[Span] = []
        for chunk in chunks:
            spans.append(Span(chunk.row, chunk.start, chunk.stop, len(ids)))
            ids += chunk.ids
            rows += [chunk.row] * (chunk.stop - chunk.start)
            positions += range(chunk.start, chunk.stop)
            last += range(len(ids) - len(chunk.sampled_after), len(ids))
        packed = torch.tensor([ids, rows, positions], device=device)  # [3, tokens]
        return cls(
            ids=packed[0],
            rows=packed[1],
            positions=packed[2],
            last=torch.tensor(last, dtype=torch.long, device=device),
            spans=tuple(spans),
        )
