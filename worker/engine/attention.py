"""Attention of the packed tokens of one step to the rows of the KV cache."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from worker.engine.attention_plan import AttentionPlan


def attend(
    queries: Tensor, keys: Tensor, values: Tensor, plan: AttentionPlan, scaling: float
) -> Tensor:
    """Return the attention output of each packed token over its own row.

    ``queries``: [tokens, heads, head size], as is the result; ``keys`` and ``values``,
    those of all rows: [rows, key heads, row's tokens, head size].
    """
    if plan.is_decode_only and plan.decode:
        # Every row has one query: by far the most frequent step.
        return _attend_rows(
            queries[:, None], keys, values, plan.decode.mask, scaling
        ).flatten(0, 1)
    output = queries.new_empty(queries.shape)
    if decode := plan.decode:
        row_queries = queries[decode.queries][:, None]  # [rows, 1, heads, head size]
        found = _attend_rows(row_queries, keys, values, decode.mask, scaling)
        output[decode.tokens] = found[decode.rows, 0]
    for segment in plan.segments:
        row = slice(segment.row, segment.row + 1)
        own = queries[None, segment.tokens]  # [1, new tokens, heads, head size]
        found = _attend_rows(own, keys[row], values[row], segment.mask, scaling)
        output[segment.tokens] = found[0]
    return output


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
    keys, values = keys[:rows, :, :longest], values[:rows, :, :longest]
    groups = heads // key_heads
    if new == 1 and groups > 1:
        # A single query is rounded in the same way beside any number of keys; several
        # at once are not. So each query head gets a view of its key head.
        shown = (rows * key_heads, groups, longest, size)
        keys, values = (
            part.flatten(0, 1)[:, None].expand(shown) for part in (keys, values)
        )
        mask = mask.repeat_interleave(key_heads, dim=0)
    # Query heads that share a key head become further query tokens, so that keys and
    # values need not be repeated.
    grouped = queries.transpose(1, 2).reshape(*keys.shape[:2], -1, size)
    if new > 1 and groups > 1:
        mask = mask.repeat(1, 1, groups, 1)
    found = functional.scaled_dot_product_attention(
        grouped, keys, values, attn_mask=mask, scale=scaling
    )  # [rows, key heads, query heads per key head * new tokens, head size]
    return found.reshape(rows, heads, new, size).transpose(1, 2)
