"""Random decoders, steps and caches, and a plain computation of the same logits."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from worker.engine.decoder import Block, Decoder, Norm, Projection


@dataclass
class Step:
    """The packed tokens of one step."""

    ids: Tensor
    rows: Tensor
    positions: Tensor
    last: Tensor


class Cache:
    """Keys and values of all rows, for every layer."""

    def __init__(
        self,
        decoder: Decoder,
        rows: int,
        tokens: int,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        shape = (2, rows, decoder.key_heads, tokens, decoder.head_size)
        self.layers = [torch.zeros(shape, dtype=dtype) for _ in decoder.blocks]


def random_decoder(
    *,
    seed: int = 0,
    is_gated: bool = True,
    key_heads: int = 1,
    group: int = 1,
    head_size: int = 8,
    width: int = 24,
    hidden: int = 40,
    vocabulary: int = 37,
    context: int = 32,
    layers: int = 2,
) -> Decoder:
    """Large weights, so that attention is far from even."""
    generator = torch.Generator().manual_seed(seed)

    def numbers(*shape: int, size: float = 1.0) -> Tensor:
        return torch.randn(shape, generator=generator) * size

    def projection(outputs: int, inputs: int) -> Projection:
        weight = numbers(outputs, inputs, size=1.5 / math.sqrt(inputs))
        return Projection(weight, None if is_gated else numbers(outputs, size=0.1))

    def norm() -> Norm:
        return Norm(1 + numbers(width, size=0.1), None if is_gated else numbers(width))

    heads = key_heads * group
    angles = torch.outer(torch.arange(context), 0.3 ** torch.arange(head_size / 2))
    angles = torch.cat([angles, angles], 1)
    return Decoder(
        heads=heads,
        key_heads=key_heads,
        head_size=head_size,
        epsilon=1e-5,
        is_gated=is_gated,
        embedding=numbers(vocabulary, width),
        positions=None if is_gated else numbers(context, width),
        rotary_cos=angles.cos() if is_gated else None,
        rotary_sin=angles.sin() if is_gated else None,
        blocks=tuple(
            Block(
                attention_norm=norm(),
                qkv=projection((heads + 2 * key_heads) * head_size, width),
                attention_output=projection(width, heads * head_size),
                mlp_norm=norm(),
                up=projection(hidden * (1 + is_gated), width),
                down=projection(width, hidden),
            )
            for _ in range(layers)
        ),
        final_norm=norm(),
        output=Projection(numbers(vocabulary, width), None),
    )


def step_of(chunks: list[tuple[int, int, list[int]]], last: list[int]) -> Step:
    """Pack chunks of row, first position and ids."""
    rows = [row for row, _, ids in chunks for _ in ids]
    positions = [start + n for _, start, ids in chunks for n in range(len(ids))]
    ids = [one for _, _, ids in chunks for one in ids]
    return Step(
        *(torch.tensor(x, dtype=torch.long) for x in (ids, rows, positions, last))
    )


def rounded(decoder: Decoder, precision: str) -> Decoder:
    """Return the model with the weights that this precision can store."""

    def store(projection: Projection) -> Projection:
        weight = projection.weight
        if precision == "fp16":
            weight = weight.half().float()
        if precision == "int8":
            missing = -weight.shape[1] % 64
            groups = functional.pad(weight, (0, missing)).unflatten(1, (-1, 64))
            scales = groups.abs().amax(-1, keepdim=True) / 127
            steps = (groups / scales.clamp_min(1e-30)).round()
            weight = (steps * scales).flatten(1)[:, : weight.shape[1]]
        return replace(projection, weight=weight)

    names = ("qkv", "attention_output", "up", "down")
    return replace(
        decoder,
        output=store(decoder.output),
        blocks=tuple(
            replace(block, **{name: store(getattr(block, name)) for name in names})
            for block in decoder.blocks
        ),
    )


@torch.inference_mode()
def expected_logits(
    decoder: Decoder, ids: list[int], cache_dtype: torch.dtype = torch.float32
) -> Tensor:
    """Return the logits after every token of one sequence: float64 [tokens, vocabulary].

    ``cache_dtype``: what keys and values are rounded to.
    """
    places = torch.arange(len(ids))
    x = decoder.embedding.double()[ids]  # [tokens, width]
    if decoder.positions is not None:
        x = x + decoder.positions.double()[places]
    for block in decoder.blocks:
        normal = _normed(decoder, block.attention_norm, x)
        x = x + _attention(decoder, block, normal, cache_dtype)
        up = _linear(block.up, _normed(decoder, block.mlp_norm, x))
        if decoder.is_gated:
            gate, up = up.chunk(2, -1)
            up = functional.silu(gate) * up
        else:
            up = functional.gelu(up, approximate="tanh")
        x = x + _linear(block.down, up)
    return _linear(decoder.output, _normed(decoder, decoder.final_norm, x))


def _attention(
    decoder: Decoder, block: Block, x: Tensor, cache_dtype: torch.dtype
) -> Tensor:
    sizes = [decoder.heads, decoder.key_heads, decoder.key_heads]
    heads = _linear(block.qkv, x).unflatten(-1, (-1, decoder.head_size)).transpose(0, 1)
    query, key, value = heads.split(sizes)  # [heads, tokens, head size]
    query, key = (_turned(decoder, one) for one in (query, key))
    key, value = (one.to(cache_dtype).double() for one in (key, value))
    found = functional.scaled_dot_product_attention(
        query, key, value, is_causal=True, enable_gqa=True
    )
    return _linear(block.attention_output, found.transpose(0, 1).flatten(1))


def _turned(decoder: Decoder, heads: Tensor) -> Tensor:
    if decoder.rotary_cos is None or decoder.rotary_sin is None:
        return heads
    first, second = heads.chunk(2, -1)
    turned = torch.cat([-second, first], -1)
    count = heads.shape[1]
    cos, sin = decoder.rotary_cos[:count], decoder.rotary_sin[:count]
    return heads * cos.double() + turned * sin.double()


def _normed(decoder: Decoder, norm: Norm, x: Tensor) -> Tensor:
    weight = norm.weight.double()
    if norm.bias is None:
        mean_square = x.pow(2).mean(-1, keepdim=True)
        return x / (mean_square + decoder.epsilon).sqrt() * weight
    return functional.layer_norm(
        x, weight.shape, weight, norm.bias.double(), decoder.epsilon
    )


def _linear(projection: Projection, x: Tensor) -> Tensor:
    bias: Any = projection.bias
    return functional.linear(
        x, projection.weight.double(), None if bias is None else bias.double()
    )
