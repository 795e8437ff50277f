"""Which keys each packed token sees, arranged for few calls of attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from worker.engine.packing import PackedBatch, Span

#: Overhead of a segment of its own, expressed in keys of one row.
SEGMENT_COST_TOKENS = 48
#: Rows are read up to a multiple of this length, the rest hidden. So a key has the same
#: place in torch's vectors, and a sum the same rounding, however long other rows are.
LENGTH_STEP_TOKENS = 16


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
class AttentionPlan:
    """The packed tokens of one step, by the call of attention that serves them."""

    batch: PackedBatch
    decode: DecodeBatch | None
    segments: tuple[Segment, ...]
    #: Whether packed token n belongs to row n, for all n, and there are no segments.
    is_decode_only: bool

    @classmethod
    def of(
        cls, batch: PackedBatch, dtype: torch.dtype, row_tokens: int
    ) -> AttentionPlan:
        """Plan replies of similar length as one batch, and the rest as segments.

        ``dtype``: that of the masks. ``row_tokens``: length of a row of the cache.
        """
        decoding = [span.stop for span in batch.spans if span.stop - span.start == 1]
        longest = longest_batched(decoding)
        batched: list[Span] = []
        single: list[Span] = []
        for span in batch.spans:
            is_batched = span.stop - span.start == 1 and span.stop <= longest
            (batched if is_batched else single).append(span)
        rows = [span.row for span in batched]
        device = batch.ids.device
        longest = _read_tokens(longest, row_tokens)
        return cls(
            batch=batch,
            decode=_decode_batch(batched, longest, device, dtype) if batched else None,
            segments=tuple(
                _segment(span, _read_tokens(span.stop, row_tokens), device, dtype)
                for span in single
            ),
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


def _read_tokens(length: int, row_tokens: int) -> int:
    """Return how far a row is read whose first ``length`` tokens are seen."""
    steps = math.ceil(length / LENGTH_STEP_TOKENS)
    return min(steps * LENGTH_STEP_TOKENS, row_tokens)


def _decode_batch(
    batched: list[Span], longest: int, device: torch.device, dtype: torch.dtype
) -> DecodeBatch:
    """Build the batch of these spans, whose rows are read up to ``longest``."""
    count = 1 + max(span.row for span in batched)
    queries, lengths = [0] * count, [longest] * count
    for span in batched:
        queries[span.row], lengths[span.row] = span.first, span.stop
    rows, tokens = [s.row for s in batched], [s.first for s in batched]
    numbers = torch.tensor([queries, lengths], device=device)  # [2, rows]
    is_hidden = torch.arange(longest, device=device) >= numbers[1][:, None]
    return DecodeBatch(
        queries=numbers[0],
        tokens=torch.tensor(tokens, device=device),
        rows=torch.tensor(rows, device=device),
        mask=_mask(is_hidden, dtype)[:, None, None],
    )


def _segment(
    span: Span, length: int, device: torch.device, dtype: torch.dtype
) -> Segment:
    positions = torch.arange(span.start, span.stop, device=device)  # [new tokens]
    is_hidden = torch.arange(length, device=device) > positions[:, None]
    return Segment(span.row, span.tokens, _mask(is_hidden, dtype)[None, None])


def _mask(is_hidden: Tensor, dtype: torch.dtype) -> Tensor:
    """Return an additive attention mask of the same shape: 0, or -inf where hidden."""
    zeros = torch.zeros(is_hidden.shape, dtype=dtype, device=is_hidden.device)
    return zeros.masked_fill_(is_hidden, -math.inf)
