"""A model as data computes what transformers computes, or is not described."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from tests.worker.engine.plain_forward import plain_logits
from worker.engine.decoder import decoder_of

IDS = [7, 3, 9, 9, 0, 42, 5, 88, 1, 61, 30, 2]


def gpt2(**changes: Any) -> Any:
    torch.manual_seed(1)
    shape = {"n_positions": 32, "n_embd": 24, "n_layer": 2, "n_head": 3}
    config = GPT2Config(vocab_size=90, initializer_range=0.4, **{**shape, **changes})
    return with_random_norms(GPT2LMHeadModel(config))


def llama(kind: Any = LlamaForCausalLM, **changes: Any) -> Any:
    torch.manual_seed(2)
    shape = {
        "max_position_embeddings": 32,
        "hidden_size": 24,
        "intermediate_size": 40,
        "num_hidden_layers": 2,
        "num_attention_heads": 6,
        "num_key_value_heads": 2,
    }
    configs = {
        LlamaForCausalLM: LlamaConfig,
        MistralForCausalLM: MistralConfig,
        Qwen2ForCausalLM: Qwen2Config,
    }
    config = configs[kind](vocab_size=90, initializer_range=0.4, **{**shape, **changes})
    return with_random_norms(kind(config))


def qwen2(**changes: Any) -> Any:
    return llama(Qwen2ForCausalLM, **changes)


def with_random_norms(module: Any) -> Any:
    """A new model's norms and biases are ones and zeros, which hide their order."""
    for name, weight in module.named_parameters():
        if name.endswith("bias") or weight.dim() == 1:
            torch.nn.init.normal_(weight, mean=0.7, std=0.3)
    return module.eval()


def rope(kind: str, **values: Any) -> dict[str, Any]:
    return {
        "rope_parameters": {
            "rope_type": kind,
            "rope_theta": 500.0,
            "factor": 4.0,
            "original_max_position_embeddings": 8,
            **values,
        }
    }


LLAMA3_FACTORS = {"low_freq_factor": 1.0, "high_freq_factor": 4.0}


@pytest.mark.parametrize(
    ("make", "changes"),
    [
        (gpt2, {}),
        (gpt2, {"n_inner": 20, "tie_word_embeddings": False}),
        (gpt2, {"activation_function": "gelu_pytorch_tanh"}),
        (llama, {}),
        (llama, {"tie_word_embeddings": True, "num_key_value_heads": 6}),
        (llama, {"head_dim": 10, "rms_norm_eps": 0.1}),
        (qwen2, {}),
        (qwen2, {"tie_word_embeddings": True, "num_key_value_heads": 6}),
        (llama, rope("linear")),
        (llama, rope("yarn")),
        (llama, rope("llama3", **LLAMA3_FACTORS)),
    ],
)
def test_the_logits_are_those_of_transformers(
    make: Any, changes: dict[str, Any]
) -> None:
    module = make(**changes)
    decoder = decoder_of(module)
    assert decoder is not None
    with torch.inference_mode():
        expected = module(torch.tensor([IDS])).logits[0]
    found = plain_logits(decoder, IDS)
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-4)
    # The comparison is worth something only where the logits differ.
    assert expected.std() > 0.5


@pytest.mark.parametrize("make", [gpt2, llama, qwen2])
def test_only_the_weights_of_projections_keep_the_memory_of_the_module(
    make: Any,
) -> None:
    module = make(tie_word_embeddings=True)
    decoder = decoder_of(module)
    assert decoder is not None
    own = {parameter.data_ptr() for parameter in module.parameters()}
    kept = [decoder.embedding, decoder.positions, decoder.final_norm.weight]
    for block in decoder.blocks:
        kept += [block.qkv.bias, block.attention_norm.weight, block.mlp_norm.bias]
    assert not own & {tensor.data_ptr() for tensor in kept if tensor is not None}
    assert decoder.output.weight.data_ptr() in own


@pytest.mark.parametrize(
    ("make", "changes"),
    [
        (gpt2, {"activation_function": "relu"}),
        (gpt2, {"activation_function": "gelu"}),
        (gpt2, {"scale_attn_weights": False}),
        (gpt2, {"scale_attn_by_inverse_layer_idx": True}),
        (gpt2, {"reorder_and_upcast_attn": True}),
        (gpt2, {"add_cross_attention": True}),
        (llama, {"hidden_act": "gelu"}),
        (llama, {"attention_bias": True}),
        (llama, {"mlp_bias": True}),
        (llama, rope("dynamic")),
        (llama, {"kind": MistralForCausalLM, "sliding_window": 4}),
        (
            qwen2,
            {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 0},
        ),
    ],
)
def test_a_model_that_computes_something_else_is_not_described(
    make: Any, changes: dict[str, Any]
) -> None:
    assert decoder_of(make(**changes)) is None


def test_half_precision_and_other_layers_are_not_described() -> None:
    assert decoder_of(llama().to(torch.bfloat16)) is None
    replaced = llama()
    replaced.model.layers[1].mlp.up_proj = torch.nn.Bilinear(2, 2, 2)
    assert decoder_of(replaced) is None
