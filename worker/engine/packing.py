"""Where the packed tokens of one step belong, as tensors on the model's device."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from worker.engine.scheduler import Span

#: What a piece of its own costs besides its keys, in keys of one row.
PIECE_COST_TOKENS = 48


@dataclass(frozen=True, slots=True)
class Together:
    """Rows that are read as one batch, the first so many, one new token each."""

    #: The packed token that asks for each row; any, where nobody does: [rows].
    asking: Tensor
    #: Packed tokens that are answered so, and the rows that answer: [answered] each.
    tokens: Tensor
    rows: Tensor
    #: 0 where a row may look, -inf elsewhere: [rows, 1, 1, row's first tokens].
    mask: Tensor


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens of one row that are read by themselves: a prompt, or a long reply."""

    row: int
    #: Its packed tokens.
    tokens: slice
    #: 0 where a token may look, -inf elsewhere:
    #: [1, 1, new tokens, row's first tokens].
    mask: Tensor


@dataclass(frozen=True, slots=True)
class Packing:
    """The tokens of one step, packed one after another."""

    #: Token, row and position of each: [tokens].
    ids: Tensor
    rows: Tensor
    positions: Tensor
    #: The packed tokens after which a new one is chosen: [last ones].
    last: Tensor
    together: Together | None
    pieces: tuple[Piece, ...]
    #: Whether token n is that of row n, for all, and nothing is a piece.
    is_plain: bool

    @classmethod
    def of(
        cls, spans: Sequence[Span[Any]], device: torch.device, dtype: torch.dtype
    ) -> Packing:
        """Most replies are about as long and make one batch; the others are pieces."""
        longest = longest_together([s.stop for s in spans if s.is_decode])
        ids: list[int] = []
        rows: list[int] = []
        positions: list[int] = []
        last: list[int] = []
        # Spans, and where their packed tokens begin.
        short: list[tuple[Span[Any], int]] = []
        other: list[tuple[Span[Any], int]] = []
        for span in spans:
            is_short = span.is_decode and span.stop <= longest
            (short if is_short else other).append((span, len(ids)))
            ids += span.ids
            rows += [span.row] * (span.stop - span.start)
            positions += range(span.start, span.stop)
            if span.is_last:
                last.append(len(ids) - 1)
        packed = torch.tensor([ids, rows, positions], device=device)  # [3, tokens]
        return cls(
            ids=packed[0],
            rows=packed[1],
            positions=packed[2],
            last=torch.tensor(last, dtype=torch.long, device=device),
            together=_together(short, longest, device, dtype) if short else None,
            pieces=tuple(_piece(span, start, device, dtype) for span, start in other),
            is_plain=not other and rows == list(range(len(rows))),
        )


def longest_together(lengths: Sequence[int]) -> int:
    """Up to which length replies are best read as one batch, padded to it.

    A longer one is read by itself, which costs its own length and the trouble.
    """
    best, best_cost = 0, math.inf
    ordered = sorted(lengths)
    for longest in {*ordered}:
        alone = [n for n in ordered if n > longest]
        padded = longest * len(ordered)
        cost = padded + sum(alone) + PIECE_COST_TOKENS * len(alone)
        if cost < best_cost:
            best, best_cost = longest, cost
    return best


def _together(
    short: list[tuple[Span[Any], int]],
    keys: int,
    device: torch.device,
    dtype: torch.dtype,
) -> Together:
    """``keys``: the length of the longest of them."""
    count = 1 + max(span.row for span, _ in short)
    asking, lengths = [0] * count, [keys] * count
    for span, start in short:
        asking[span.row], lengths[span.row] = start, span.stop
    rows, tokens = [s.row for s, _ in short], [start for _, start in short]
    numbers = torch.tensor([asking, lengths], device=device)  # [2, rows]
    is_hidden = torch.arange(keys, device=device) >= numbers[1][:, None]
    return Together(
        asking=numbers[0],
        tokens=torch.tensor(tokens, device=device),
        rows=torch.tensor(rows, device=device),
        mask=_mask(is_hidden, dtype)[:, None, None],
    )


def _piece(
    span: Span[Any], start: int, device: torch.device, dtype: torch.dtype
) -> Piece:
    positions = torch.arange(span.start, span.stop, device=device)  # [new tokens]
    is_hidden = torch.arange(span.stop, device=device) > positions[:, None]
    tokens = slice(start, start + span.stop - span.start)
    return Piece(span.row, tokens, _mask(is_hidden, dtype)[None, None])


def _mask(is_hidden: Tensor, dtype: torch.dtype) -> Tensor:
    empty = torch.zeros(is_hidden.shape, dtype=dtype, device=is_hidden.device)
    return empty.masked_fill_(is_hidden, -math.inf)
