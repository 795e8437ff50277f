"""The KV cache: keys and values of all rows, allocated once and written in place."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from worker.engine import page_memory
from worker.engine.logits import TokenHistory
from worker.engine.packing import PackedBatch
from worker.engine.scheduler import RowCopy
from worker.engine.sequence import Chunk


@dataclass(frozen=True, slots=True)
class RowShape:
    """The dimensions of one row of the KV cache."""

    layers: int
    heads: int
    tokens: int
    head_size: int
    dtype: torch.dtype

    @classmethod
    def of(cls, config: Any, tokens: int, dtype: torch.dtype) -> RowShape:
        """Return the shape of a row of ``tokens`` for a transformers configuration."""
        text = config.get_text_config()
        query_heads = text.num_attention_heads
        head_size = getattr(text, "head_dim", None) or text.hidden_size // query_heads
        # Grouped-query attention: several query heads share one key and value head.
        heads = getattr(text, "num_key_value_heads", None) or query_heads
        return cls(text.num_hidden_layers, heads, tokens, head_size, dtype)

    @property
    def bytes(self) -> int:
        """Size of a row, keys and values together."""
        numbers = 2 * self.layers * self.heads * self.tokens * self.head_size
        return numbers * self.dtype.itemsize


class KVCache:
    """Keys and values of many rows, and the tokens that they belong to.

    A forward pass writes those of its own tokens, each at its row and position.
    """

    def __init__(self, shape: RowShape, rows: int, device: torch.device) -> None:
        """Allocate the memory of all rows."""
        size = (2, rows, shape.heads, shape.tokens, shape.head_size)
        #: Keys and values of each layer: [2, rows, heads, tokens, head size].
        self.layers = [_zeros(size, shape.dtype, device) for _ in range(shape.layers)]
        #: The tokens in the rows: [rows, tokens].
        self.ids = torch.zeros((rows, shape.tokens), dtype=torch.long, device=device)
        self.row_tokens = shape.tokens
        self.dtype = shape.dtype

    def record(self, batch: PackedBatch) -> None:
        """Record the tokens that a forward pass reads."""
        self.ids[batch.rows, batch.positions] = batch.ids

    def copy_rows(self, copies: Iterable[RowCopy]) -> None:
        """Carry out the scheduler's copies and swaps, in their order."""
        for copy in copies:
            for layer in (self.ids[None, :, None], *self.layers):
                source = layer[:, copy.source, :, : copy.tokens]
                target = layer[:, copy.target, :, : copy.tokens]
                replaced = target.clone() if copy.is_swap else None
                target.copy_(source)
                if replaced is not None:
                    source.copy_(replaced)

    def token_history(self, chunks: Iterable[Chunk[Any]]) -> TokenHistory:
        """Return the tokens before each token that is sampled after these chunks."""
        rows_of: list[int] = []
        ends: list[int] = []
        for chunk in chunks:
            sampled_after = chunk.sampled_after
            rows_of += [chunk.row] * len(sampled_after)
            ends += sampled_after
        at = torch.tensor([rows_of, ends], dtype=torch.long, device=self.ids.device)
        rows, lengths = at  # [sampled] each
        return TokenHistory(self.ids, lengths, rows)


def _zeros(size: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    if device.type != "cpu":
        return torch.zeros(size, dtype=dtype, device=device)
    # Small pages: most rows are short, and a reply that begins must not wait.
    memory = page_memory.zeros(math.prod(size) * dtype.itemsize, huge_pages=False)
    return memory.view(dtype).view(size)
