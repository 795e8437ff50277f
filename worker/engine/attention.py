"""Attention of the packed tokens of one step to the rows of the KV cache.

It is registered with transformers under a name, so that a model's own code calls it and
runs unchanged. It ignores the model's mask: the packed batch says which keys each token
sees.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AttentionInterface

from worker.engine.packing import PackedBatch

NAME = "rows"
#: Arguments by which some models change attention scores; none is implemented here.
UNSUPPORTED_ARGUMENTS = (
    *("softcap", "s_aux", "sinks", "position_bias"),
    *("indices", "block_indices"),
)


def packed_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    packing: PackedBatch,
    scaling: float,
    **others: Any,
) -> tuple[Tensor, None]:
    """Return the attention output of each packed token over its own row.

    ``query``: [1, heads, tokens, head size]; ``key`` and ``value``, those of all rows:
    [rows, key heads, row's tokens, head size]. Returns [1, tokens, heads, head size].
    Raises ``ValueError`` if the model passes an argument that changes the scores.
    """
    del module, attention_mask
    for name in UNSUPPORTED_ARGUMENTS:
        if others.get(name) is not None:
            raise ValueError(f"its attention is not a plain one: {name}")
    queries = query[0].transpose(0, 1)  # [tokens, heads, head size]
    if packing.is_decode_only and packing.decode:
        # Every row has one query: by far the most frequent step.
        mask = packing.decode.mask
        found = _attend_rows(queries[:, None], key, value, mask, scaling)
        return found.transpose(0, 1), None
    output = queries.new_empty(queries.shape)
    if decode := packing.decode:
        row_queries = queries[decode.queries][:, None]  # [rows, 1, heads, head size]
        found = _attend_rows(row_queries, key, value, decode.mask, scaling)
        output[decode.tokens] = found[decode.rows, 0]
    for segment in packing.segments:
        row = slice(segment.row, segment.row + 1)
        own = queries[None, segment.tokens]  # [1, new tokens, heads, head size]
        found = _attend_rows(own, key[row], value[row], segment.mask, scaling)
        output[segment.tokens] = found[0]
    return output[None], None


def _attend_rows(
    queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor, scaling: float
) -> Tensor:
    """Return the attention of the first rows, as many and as far as the mask covers.

    ``queries``: [rows, new tokens, heads, head size], as is the result; ``mask``:
    [rows, 1, new tokens, row's first tokens].
    """
    rows, new, heads, size = queries.shape
    longest = mask.shape[-1]
    key_heads = keys.shape[1]
    # Query heads that share a key head become further query tokens, so that keys and
    # values need not be repeated.
    grouped = queries.transpose(1, 2).reshape(rows, key_heads, -1, size)
    if new > 1 and heads > key_heads:
        mask = mask.repeat(1, 1, heads // key_heads, 1)
    found = functional.scaled_dot_product_attention(
        grouped,
        keys[:rows, :, :longest],
        values[:rows, :, :longest],
        attn_mask=mask,
        scale=scaling,
    )  # [rows, key heads, query heads per key head * new tokens, head size]
    return found.reshape(rows, heads, new, size).transpose(1, 2)


AttentionInterface.register(NAME, packed_attention)
