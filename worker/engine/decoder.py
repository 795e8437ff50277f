"""A causal language model as data: its weights and the few numbers that shape them.

Two kinds are described. The GPT-2 kind has LayerNorm, learned positions and an MLP with
GELU (tanh approximation); the Llama kind has RMS norm, rotary positions, query heads
that share key heads, and an MLP gated by SiLU. Qwen2 is of the Llama kind. A forward
pass over this data needs none of transformers' modules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import GPT2LMHeadModel, LlamaForCausalLM, Qwen2ForCausalLM
from transformers.pytorch_utils import Conv1D

#: Names in a configuration for the activations of the two kinds.
TANH_GELU = ("gelu_new", "gelu_pytorch_tanh")
SILU = ("silu", "swish")
#: Kinds of rotary positions whose angles depend on the position alone; others depend
#: on the length of the sequence too.
FIXED_ROTARY = ("default", "linear", "llama3", "yarn")

#: The projections of a block, by the names of their fields.
PROJECTIONS = ("qkv", "attention_output", "up", "down")


class NotDescribed(ValueError):
    """The model computes something that a ``Decoder`` does not describe."""


@dataclass(frozen=True, slots=True, eq=False)
class Norm:
    """LayerNorm, or RMS norm if there is no bias."""

    weight: Tensor  # [width]
    bias: Tensor | None  # [width]


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """A linear layer: ``features @ weight.T + bias``."""

    weight: Tensor  # [out, in]
    bias: Tensor | None  # [out]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One layer: ``x += attention(norm(x))``, then ``x += mlp(norm(x))``."""

    attention_norm: Norm
    #: Query heads, key heads and value heads, stacked:
    #: out = (heads + 2 * key heads) * head size.
    qkv: Projection
    attention_output: Projection
    mlp_norm: Norm
    #: Of a gated MLP the rows of the gate, then those of the up projection, stacked.
    up: Projection
    down: Projection


@dataclass(frozen=True, slots=True, eq=False)
class Decoder:
    """A model of the GPT-2 kind or the Llama kind. Tensors are float32 on the CPU."""

    heads: int
    key_heads: int
    head_size: int
    #: Added to the variance in every norm.
    epsilon: float
    #: True for the Llama kind, False for the GPT-2 kind.
    is_gated: bool
    embedding: Tensor  # [vocabulary, width]
    #: Learned positions, added to the embedding: [context, width].
    positions: Tensor | None
    #: Rotary positions in the layout of transformers' Llama, where a head turns as
    #: ``head * cos + rotate_half(head) * sin``: [context, head size] each.
    rotary_cos: Tensor | None
    rotary_sin: Tensor | None
    blocks: tuple[Block, ...]
    final_norm: Norm
    output: Projection

    def projections(self) -> Iterator[tuple[str, Projection]]:
        """Yield every projection under its name, such as ``output`` or ``0.qkv``."""
        yield "output", self.output
        for number, block in enumerate(self.blocks):
            for name in PROJECTIONS:
                yield f"{number}.{name}", getattr(block, name)


def decoder_of(module: Any) -> Decoder | None:
    """Return a transformers model as data, or None if it is of neither kind.

    ``module``: a causal language model as transformers loaded it. The weights of
    projections are those of the module where their layout allows it. All else is
    copied: who packs the projections then keeps nothing of the module, nor of the file
    that it was mapped from.
    """
    describe = {
        GPT2LMHeadModel: _gpt2,
        LlamaForCausalLM: _llama,
        Qwen2ForCausalLM: _qwen2,
    }.get(type(module))
    if describe is None:
        return None
    try:
        with torch.inference_mode():
            return describe(module)
    except NotDescribed:
        return None


def _gpt2(module: Any) -> Decoder:
    config, body = module.config, module.transformer
    _require(config.activation_function in TANH_GELU)
    _require(config.scale_attn_weights)
    _require(not config.scale_attn_by_inverse_layer_idx)
    _require(not config.reorder_and_upcast_attn)
    _require(not config.add_cross_attention)
    return Decoder(
        heads=config.n_head,
        key_heads=config.n_head,
        head_size=config.n_embd // config.n_head,
        epsilon=config.layer_norm_epsilon,
        is_gated=False,
        embedding=_copy(body.wte.weight),
        positions=_copy(body.wpe.weight),
        rotary_cos=None,
        rotary_sin=None,
        blocks=tuple(
            Block(
                attention_norm=_norm(block.ln_1),
                qkv=_projection(block.attn.c_attn),
                attention_output=_projection(block.attn.c_proj),
                mlp_norm=_norm(block.ln_2),
                up=_projection(block.mlp.c_fc),
                down=_projection(block.mlp.c_proj),
            )
            for block in body.h
        ),
        final_norm=_norm(body.ln_f),
        output=_projection(module.lm_head),
    )


def _llama(module: Any) -> Decoder:
    _require(not module.config.attention_bias and not module.config.mlp_bias)
    return _gated(module)


def _qwen2(module: Any) -> Decoder:
    """The Llama kind with biases of queries, keys and values."""
    _require(set(module.config.layer_types) == {"full_attention"})
    return _gated(module)


def _gated(module: Any) -> Decoder:
    config, body = module.config, module.model
    _require(config.hidden_act in SILU)
    cos, sin = _rotary(body.rotary_emb, config)
    return Decoder(
        heads=config.num_attention_heads,
        key_heads=config.num_key_value_heads,
        head_size=body.layers[0].self_attn.head_dim,
        epsilon=config.rms_norm_eps,
        is_gated=True,
        embedding=_copy(body.embed_tokens.weight),
        positions=None,
        rotary_cos=cos,
        rotary_sin=sin,
        blocks=tuple(_llama_block(layer) for layer in body.layers),
        final_norm=_norm(body.norm),
        output=_projection(module.lm_head),
    )


def _llama_block(layer: Any) -> Block:
    attention, mlp = layer.self_attn, layer.mlp
    return Block(
        attention_norm=_norm(layer.input_layernorm),
        qkv=_projection(attention.q_proj, attention.k_proj, attention.v_proj),
        attention_output=_projection(attention.o_proj),
        mlp_norm=_norm(layer.post_attention_layernorm),
        up=_projection(mlp.gate_proj, mlp.up_proj),
        down=_projection(mlp.down_proj),
    )


def _rotary(rotary: Any, config: Any) -> tuple[Tensor, Tensor]:
    """Return the cosines and sines of all positions, by the model's own code."""
    _require(config.rope_parameters["rope_type"] in FIXED_ROTARY)
    _require(config.rope_parameters.get("partial_rotary_factor", 1.0) == 1.0)
    positions = torch.arange(config.max_position_embeddings)[None]  # [1, context]
    cos, sin = rotary(torch.zeros(()), positions)  # [1, context, head size] each
    return _copy(cos[0]), _copy(sin[0])


def _projection(*layers: Any) -> Projection:
    """Return linear layers of one input as one projection, stacked in their order."""
    weights = [_weight(layer) for layer in layers]
    biases = [_copy(b) for layer in layers if (b := layer.bias) is not None]
    _require(len(biases) in (0, len(layers)))
    if len(layers) == 1:
        return Projection(weights[0], biases[0] if biases else None)
    return Projection(torch.cat(weights), torch.cat(biases) if biases else None)


def _weight(layer: Any) -> Tensor:
    """Return the weight of a linear layer as [out, in]."""
    if type(layer) is Conv1D:
        # GPT-2's own linear layer, which stores its weight as [in, out].
        return _tensor(layer.weight.t())
    _require(type(layer) is nn.Linear)
    return _tensor(layer.weight)


def _norm(layer: Any) -> Norm:
    bias = getattr(layer, "bias", None)
    return Norm(_copy(layer.weight), None if bias is None else _copy(bias))


def _copy(value: Tensor) -> Tensor:
    return _tensor(value).clone()


def _tensor(value: Tensor) -> Tensor:
    _require(value.dtype == torch.float32 and value.device.type == "cpu")
    return value.detach().contiguous()


def _require(is_described: bool) -> None:
    if not is_described:
        raise NotDescribed
