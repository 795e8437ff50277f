"""Attention of the tokens of one step to the rows they belong to.

Registered with transformers under a name, so that a model's own code calls it and runs
unchanged. It needs no mask from the model: the packing of the step says who sees what.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AttentionInterface

from worker.engine.packing import Packing

NAME = "rows"
#: What some models ask of attention besides, and what is not computed here.
CHANGE_SCORES = (
    *("softcap", "s_aux", "sinks", "position_bias"),
    *("indices", "block_indices"),
)


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    packing: Packing,
    scaling: float,
    **others: Any,
) -> tuple[Tensor, None]:
    """What each packed token makes of its row.

    ``query``: [1, heads, tokens, head size]; ``key`` and ``value``, those of all rows:
    [rows, key heads, row's tokens, head size]. Returns [1, tokens, heads, head size].
    Raises ``ValueError`` where the model wants scores to be changed besides.
    """
    del module, attention_mask
    for name in CHANGE_SCORES:
        if others.get(name) is not None:
            raise ValueError(f"its attention is not a plain one: {name}")
    queries = query[0].transpose(0, 1)  # [tokens, heads, head size]
    if packing.is_plain and packing.together:
        # Every row asks with one token: by far the most frequent step.
        mask = packing.together.mask
        return _look(queries[:, None], key, value, mask, scaling).transpose(0, 1), None
    output = queries.new_empty(queries.shape)
    if together := packing.together:
        asking = queries[together.asking][:, None]  # [rows, 1, heads, head size]
        found = _look(asking, key, value, together.mask, scaling)
        output[together.tokens] = found[together.rows, 0]
    for piece in packing.pieces:
        row = slice(piece.row, piece.row + 1)
        asking = queries[None, piece.tokens]  # [1, new tokens, heads, head size]
        found = _look(asking, key[row], value[row], piece.mask, scaling)
        output[piece.tokens] = found[0]
    return output[None], None


def _look(
    queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor, scaling: float
) -> Tensor:
    """Attention of the first rows; the mask says how many, and how far they look.

    ``queries``: [rows, new tokens, heads, head size], and so is what it returns;
    ``mask``: [rows, 1, new tokens, row's first tokens].
    """
    rows, new, heads, size = queries.shape
    longest = mask.shape[-1]
    key_heads = keys.shape[1]
    # Heads that share keys stand as further tokens that ask: nothing is repeated.
    asking = queries.transpose(1, 2).reshape(rows, key_heads, -1, size)
    if new > 1 and heads > key_heads:
        mask = mask.repeat(1, 1, heads // key_heads, 1)
    found = functional.scaled_dot_product_attention(
        asking,
        keys[:rows, :, :longest],
        values[:rows, :, :longest],
        attn_mask=mask,
        scale=scaling,
    )  # [rows, key heads, heads that share * new tokens, head size]
    return found.reshape(rows, heads, new, size).transpose(1, 2)


AttentionInterface.register(NAME, attend)
