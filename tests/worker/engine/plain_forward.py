"""The forward pass of a ``Decoder`` over one sequence, as its definition reads.

No cache, no packing, no speed: what the engine's forward passes are compared with.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from worker.engine.decoder import Block, Decoder, Norm, Projection


@torch.inference_mode()
def plain_logits(decoder: Decoder, ids: list[int]) -> Tensor:
    """Return the logits after each token: [tokens, vocabulary]."""
    states = decoder.embedding[ids]  # [tokens, width]
    if decoder.positions is not None:
        states = states + decoder.positions[: len(ids)]
    for block in decoder.blocks:
        normal = _norm(decoder, block.attention_norm, states)
        states = states + _attention(decoder, block, normal)
        normal = _norm(decoder, block.mlp_norm, states)
        states = states + _mlp(decoder, block, normal)
    return _linear(decoder.output, _norm(decoder, decoder.final_norm, states))


def _attention(decoder: Decoder, block: Block, states: Tensor) -> Tensor:
    size, groups = decoder.head_size, decoder.heads // decoder.key_heads
    heads = _linear(block.qkv, states).view(len(states), -1, size).transpose(0, 1)
    query, key, value = heads.split(
        [decoder.heads, decoder.key_heads, decoder.key_heads]
    )  # [heads, tokens, head size] each
    query, key = _rotated(decoder, query), _rotated(decoder, key)
    key, value = (part.repeat_interleave(groups, dim=0) for part in (key, value))
    scores = query @ key.transpose(1, 2) / size**0.5  # [heads, tokens, tokens]
    is_later = torch.ones(scores.shape[1:]).triu(1).bool()
    found = scores.masked_fill(is_later, -torch.inf).softmax(-1) @ value
    return _linear(block.attention_output, found.transpose(0, 1).flatten(1))


def _rotated(decoder: Decoder, heads: Tensor) -> Tensor:
    cos, sin = decoder.rotary_cos, decoder.rotary_sin
    if cos is None or sin is None:
        return heads
    tokens = heads.shape[1]
    first, second = heads.chunk(2, dim=-1)
    return heads * cos[:tokens] + torch.cat([-second, first], dim=-1) * sin[:tokens]


def _mlp(decoder: Decoder, block: Block, states: Tensor) -> Tensor:
    inner = _linear(block.up, states)
    if decoder.is_gated:
        gate, up = inner.chunk(2, dim=-1)
        return _linear(block.down, functional.silu(gate) * up)
    return _linear(block.down, functional.gelu(inner, approximate="tanh"))


def _norm(decoder: Decoder, norm: Norm, states: Tensor) -> Tensor:
    if norm.bias is None:
        mean_square = states.pow(2).mean(-1, keepdim=True)
        return norm.weight * states * torch.rsqrt(mean_square + decoder.epsilon)
    width = states.shape[1:]
    return functional.layer_norm(states, width, norm.weight, norm.bias, decoder.epsilon)


def _linear(projection: Projection, states: Tensor) -> Tensor:
    return functional.linear(states, projection.weight, projection.bias)
