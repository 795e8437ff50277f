"""Packs the tokens of one step into one sequence, as tensors on the model's device."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from worker.engine.sequence import Chunk

#: Overhead of a segment of its own, expressed in keys of one row.
SEGMENT_COST_TOKENS = 48


@dataclass(frozen=True, slots=True)
class DecodeBatch:
    """The first rows of the cache, read as one batch with one new token each."""

    #: Index of the packed token that queries each row; any for a row without: [rows].
    queries: Tensor
    #: Indices of the packed tokens that this batch covers, and their rows:
    #: [decoding] each.
    tokens: Tensor
    rows: Tensor
    #: 0 where a row attends, -inf elsewhere: [rows, 1, 1, longest].
    mask: Tensor


@dataclass(frozen=True, slots=True)
class Segment:
    """Tokens of one row that are read by themselves: a prompt, or a long reply."""

    row: int
    #: Its packed tokens.
    tokens: slice
    #: 0 where a token attends, -inf elsewhere: [1, 1, new tokens, row's first tokens].
    mask: Tensor


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """The tokens of one step, packed one after another."""

    #: Id, row and position of each token: [tokens].
    ids: Tensor
    rows: Tensor
    positions: Tensor
    #: Indices of the packed tokens after which a new token is sampled: [sampled].
    last: Tensor
    decode: DecodeBatch | None
    segments: tuple[Segment, ...]
    #: Whether packed token n belongs to row n, for all n, and there are no segments.
    is_decode_only: bool

    @classmethod
    def of(
        cls, chunks: Sequence[Chunk[Any]], device: torch.device, dtype: torch.dtype
    ) -> PackedBatch:
        """Pack chunks: replies of similar length as one batch, the rest as segments."""
        longest = longest_batched([c.stop for c in chunks if c.is_decode])
        ids: list[int] = []
        rows: list[int] = []
        positions: list[int] = []
        last: list[int] = []
        # Chunks, each with the index of its first packed token.
        batched: list[tuple[Chunk[Any], int]] = []
        single: list[tuple[Chunk[Any], int]] = []
        for chunk in chunks:
            is_batched = chunk.is_decode and chunk.stop <= longest
            (batched if is_batched else single).append((chunk, len(ids)))
            ids += chunk.ids
            rows += [chunk.row] * (chunk.stop - chunk.start)
            positions += range(chunk.start, chunk.stop)
            if chunk.is_last:
                last.append(len(ids) - 1)
        packed = torch.tensor([ids, rows, positions], device=device)  # [3, tokens]
        return cls(
            ids=packed[0],
            rows=packed[1],
            positions=packed[2],
            last=torch.tensor(last, dtype=torch.long, device=device),
            decode=_decode_batch(batched, longest, device, dtype) if batched else None,
            segments=tuple(_segment(chunk, i, device, dtype) for chunk, i in single),
            is_decode_only=not single and rows == list(range(len(rows))),
        )


def longest_batched(lengths: Sequence[int]) -> int:
    """Return the length up to which replies are best read as one padded batch.

    A longer reply is read by itself, which costs its own length and an overhead.
    """
    best, best_cost = 0, math.inf
    ordered = sorted(lengths)
    for longest in {*ordered}:
        single = [n for n in ordered if n > longest]
        padded = longest * len(ordered)
        cost = padded + sum(single) + SEGMENT_COST_TOKENS * len(single)
        if cost < best_cost:
            best, best_cost = longest, cost
    return best


def _decode_batch(
    batched: list[tuple[Chunk[Any], int]],
    longest: int,
    device: torch.device,
    dtype: torch.dtype,
) -> DecodeBatch:
    """Build the batch of these chunks; ``longest`` is the greatest length of them."""
    count = 1 + max(chunk.row for chunk, _ in batched)
    queries, lengths = [0] * count, [longest] * count
    for chunk, index in batched:
        queries[chunk.row], lengths[chunk.row] = index, chunk.stop
    rows, tokens = [c.row for c, _ in batched], [index for _, index in batched]
    numbers = torch.tensor([queries, lengths], device=device)  # [2, rows]
    is_hidden = torch.arange(longest, device=device) >= numbers[1][:, None]
    return DecodeBatch(
        queries=numbers[0],
        tokens=torch.tensor(tokens, device=device),
        rows=torch.tensor(rows, device=device),
        mask=_mask(is_hidden, dtype)[:, None, None],
    )


def _segment(
    chunk: Chunk[Any], index: int, device: torch.device, dtype: torch.dtype
) -> Segment:
    positions = torch.arange(chunk.start, chunk.stop, device=device)  # [new tokens]
    is_hidden = torch.arange(chunk.stop, device=device) > positions[:, None]
    tokens = slice(index, index + chunk.stop - chunk.start)
    return Segment(chunk.row, tokens, _mask(is_hidden, dtype)[None, None])


def _mask(is_hidden: Tensor, dtype: torch.dtype) -> Tensor:
    """Return an additive attention mask of the same shape: 0, or -inf where hidden."""
    zeros = torch.zeros(is_hidden.shape, dtype=dtype, device=is_hidden.device)
    return zeros.masked_fill_(is_hidden, -math.inf)
