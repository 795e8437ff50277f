"""The forward pass of a model that is described as data, as one flat function.

It computes what transformers' modules compute, with the same operators of torch and far
fewer calls: queries, keys and values in one product, as are both halves of a gated MLP,
and none of the modules' wrappers. Linear layers come packed, in float32 or float16.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from worker.engine.attention import attend
from worker.engine.attention_plan import AttentionPlan
from worker.engine.cpu_logits import CPULogits
from worker.engine.decoder import Block, Decoder, Norm
from worker.engine.kv_cache import KVCache
from worker.engine.layers import Linear, Pack, can_pack, pack_fp16, pack_fp32
from worker.engine.logits import Logits
from worker.engine.packing import PackedBatch

#: How the weights of linear layers are packed for each precision.
PACKS: dict[str, Pack] = {"fp32": pack_fp32, "fp16": pack_fp16}


@dataclass(frozen=True, slots=True)
class PackedBlock:
    """``decoder.Block`` with its projections packed."""

    attention_norm: Norm
    qkv: Linear
    attention_output: Linear
    mlp_norm: Norm
    up: Linear
    down: Linear

    @classmethod
    def of(cls, block: Block, pack: Pack) -> PackedBlock:
        """Pack the projections of a block."""
        projections = (block.qkv, block.attention_output, block.up, block.down)
        qkv, output, up, down = (pack(p.weight, p.bias) for p in projections)
        return cls(block.attention_norm, qkv, output, block.mlp_norm, up, down)


class FlatForward:
    """Implements ``ForwardPass`` for a ``Decoder`` on the CPU."""

    name, version = "flat", "1"
    cache_dtype = torch.float32

    def __init__(self, decoder: Decoder, precision: str) -> None:
        """Pack the weights; see ``is_available`` for the precisions.

        Of the decoder's own tensors only the embedding, the positions and the norms are
        kept.
        """
        pack = PACKS[precision]
        self.precision = precision
        self._blocks = [PackedBlock.of(block, pack) for block in decoder.blocks]
        self._output = pack(decoder.output.weight, decoder.output.bias)
        self._embedding, self._positions = decoder.embedding, decoder.positions
        self._final_norm, self._epsilon = decoder.final_norm, decoder.epsilon
        self._heads, self._key_heads = decoder.heads, decoder.key_heads
        self._head_size, self._is_gated = decoder.head_size, decoder.is_gated
        self._cos, self._sin = decoder.rotary_cos, _turned(decoder.rotary_sin)

    @torch.inference_mode()
    def __call__(self, batch: PackedBatch, cache: KVCache) -> Tensor:
        """Implement ``ForwardPass``."""
        plan = AttentionPlan.of(batch, torch.float32, cache.row_tokens)
        rotation = self._rotation(batch.positions)
        states = self._embedding[batch.ids]  # [tokens, width]
        if self._positions is not None:
            states = states + self._positions[batch.positions]
        for block, layer in zip(self._blocks, cache.layers, strict=True):
            normal = self._norm(block.attention_norm, states)
            queries = self._queries(block.qkv(normal), layer, batch, rotation)
            keys, values = layer
            found = attend(queries, keys, values, plan, self._head_size**-0.5)
            states = states + block.attention_output(found.flatten(1))
            inner = block.up(self._norm(block.mlp_norm, states))
            states = states + block.down(self._activation(inner))
        return self._output(self._norm(self._final_norm, states[batch.last]))

    def wrap_logits(self, logits: Tensor) -> Logits:
        """Implement ``ForwardPass``."""
        return CPULogits(logits)

    def _queries(
        self,
        qkv: Tensor,
        layer: Tensor,
        batch: PackedBatch,
        rotation: tuple[Tensor, Tensor] | None,
    ) -> Tensor:
        """Write keys and values into a layer of the cache; return the queries.

        ``qkv``: [tokens, (heads + 2 * key heads) * head size]; ``layer``: [2, rows, key
        heads, row's tokens, head size]. Returns [tokens, heads, head size].
        """
        size, key_heads = self._head_size, self._key_heads
        heads = qkv.view(len(qkv), -1, size)
        turning, values = heads[:, :-key_heads], heads[:, -key_heads:]
        if rotation is not None:
            cos, sin = rotation
            swapped = turning.roll(size // 2, dims=-1)
            turning = torch.addcmul(turning * cos, swapped, sin)
        at = (batch.rows, slice(None), batch.positions)
        layer[0][at] = turning[:, self._heads :]
        layer[1][at] = values
        return turning[:, : self._heads]

    def _rotation(self, positions: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return cosines and sines for each token: [tokens, 1, head size] each."""
        if self._cos is None or self._sin is None:
            return None
        return self._cos[positions][:, None], self._sin[positions][:, None]

    def _activation(self, inner: Tensor) -> Tensor:
        if not self._is_gated:
            return functional.gelu(inner, approximate="tanh")
        gate, up = inner.chunk(2, dim=-1)
        return functional.silu(gate) * up

    def _norm(self, norm: Norm, states: Tensor) -> Tensor:
        width = states.shape[1:]
        if norm.bias is None:
            return functional.rms_norm(states, width, norm.weight, self._epsilon)
        return functional.layer_norm(
            states, width, norm.weight, norm.bias, self._epsilon
        )


def is_available(precision: str) -> bool:
    """Return whether torch has packed layers of a precision on this processor."""
    return precision in PACKS and can_pack(PACKS[precision])


def _turned(sin: Tensor | None) -> Tensor | None:
    """Return sines for halves that are swapped instead of rotated.

    ``rotate_half`` swaps the halves of a head and negates the first of the result.
    """
    if sin is None:
        return None
    half = sin.shape[1] // 2
    return torch.cat([-sin[:, :half], sin[:, half:]], dim=1)
