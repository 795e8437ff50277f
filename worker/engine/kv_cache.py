"""The keys and values of all rows: made once, written in place."""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import Cache

from worker.engine.packing import Packing
from worker.engine.sampling import History
from worker.engine.scheduler import Move, Span


@dataclass(frozen=True, slots=True)
class RowShape:
    """The size of one row in numbers of each kind."""

    layers: int
    heads: int
    tokens: int
    head_size: int
    dtype: torch.dtype

    @classmethod
    def of(cls, config: Any, tokens: int, dtype: torch.dtype) -> RowShape:
        """A row of ``tokens`` for a model with this configuration of transformers."""
        text = config.get_text_config()
        queries = text.num_attention_heads
        head_size = getattr(text, "head_dim", None) or text.hidden_size // queries
        # Grouped heads: several heads of queries share one of keys and values.
        heads = getattr(text, "num_key_value_heads", None) or queries
        return cls(text.num_hidden_layers, heads, tokens, head_size, dtype)

    @property
    def bytes(self) -> int:
        numbers = 2 * self.layers * self.heads * self.tokens * self.head_size
        return numbers * self.dtype.itemsize


class Store(Cache):
    """Implements ``Cache`` of transformers for many rows in one forward pass.

    The tokens of a step come packed, one after another, as a batch of one. The packing
    says which row and position each belongs to; there its key and value are written.
    """

    def __init__(self, shape: RowShape, rows: int, device: torch.device) -> None:
        super().__init__(layers=[])
        size = (2, rows, shape.heads, shape.tokens, shape.head_size)
        #: For each layer keys and values: [2, rows, heads, tokens, head size].
        self._layers = [_zeros(size, shape.dtype, device) for _ in range(shape.layers)]
        #: The tokens that were read into the rows: [rows, tokens].
        self.ids = torch.zeros((rows, shape.tokens), dtype=torch.long, device=device)
        self.dtype = shape.dtype
        self._packing: Packing | None = None

    def write_at(self, packing: Packing) -> None:
        """Say where the next forward pass writes, and note its tokens."""
        self._packing = packing
        self.ids[packing.rows, packing.positions] = packing.ids

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any
    ) -> tuple[Tensor, Tensor]:
        """Write new keys and values, [1, heads, new tokens, head size] each.

        Returns those of all rows, [rows, heads, tokens, head size] each.
        """
        if self._packing is None:
            raise RuntimeError("update() before write_at()")
        at = (self._packing.rows, slice(None), self._packing.positions)
        keys, values = self._layers[layer_idx]
        keys[at] = key_states[0].transpose(0, 1)
        values[at] = value_states[0].transpose(0, 1)
        return keys, values

    def make(self, moves: Iterable[Move]) -> None:
        """Carry out the batcher's moves, in their order."""
        for move in moves:
            for layer in (self.ids[None, :, None], *self._layers):
                source = layer[:, move.source, :, : move.tokens]
                target = layer[:, move.target, :, : move.tokens]
                held = target.clone() if move.is_exchange else None
                target.copy_(source)
                if held is not None:
                    source.copy_(held)

    def history(self, spans: Iterable[Span[Any]]) -> History:
        """The tokens that the rows of these spans hold, once they were read."""
        found = [(span.row, span.stop) for span in spans]
        at = torch.tensor(found, dtype=torch.long, device=self.ids.device)
        rows, lengths = at.view(-1, 2).T
        longest = max((length for _, length in found), default=1)
        return History(self.ids[rows, :longest], lengths)

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002
        """Nothing to go by: every pass gives the positions of its tokens."""
        return 0


def _zeros(size: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    if device.type != "cpu":
        return torch.zeros(size, dtype=dtype, device=device)
    # Pages that the system hands out, zeroed, only where they are written to.
    pages = mmap.mmap(-1, math.prod(size) * dtype.itemsize)
    return torch.frombuffer(pages, dtype=dtype).view(size)
