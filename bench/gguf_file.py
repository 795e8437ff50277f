"""Writes a folder of transformers as a GGUF file, which llama.cpp reads.

Names and order of weights: the GGUF specification, and ``gguf.constants`` of the
package. llama.cpp rotates neighbouring pairs of a head where transformers rotates its
halves, so the rows of query and key weights are put into that order.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter
from numpy.typing import NDArray
from safetensors.numpy import load_file

from bench.cache import made_once

Weights = dict[str, NDArray[np.float32]]

#: Weights outside the blocks: our name, then GGUF's.
GPT2 = {
    "transformer.wte.weight": "token_embd.weight",
    "transformer.wpe.weight": "position_embd.weight",
    "transformer.ln_f.weight": "output_norm.weight",
    "transformer.ln_f.bias": "output_norm.bias",
}
LLAMA = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
#: Weights of a block.
GPT2_BLOCK = {
    "ln_1": "attn_norm",
    "ln_2": "ffn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}
LLAMA_BLOCK = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def converted(folder: Path, quantization: str) -> Path:
    """Return the GGUF file of a model beside its folder, made once.

    ``quantization``: ``F32``, or ``Q8_0``: matrices in int8 with a scale for 32 values.
    """
    kind = GGMLQuantizationType[quantization]
    return made_once(
        folder.with_name(f"{folder.name}-{quantization.lower()}.gguf"),
        lambda path: write_gguf(folder, path, kind),
    )


def write_gguf(folder: Path, target: Path, kind: GGMLQuantizationType) -> None:
    """Write a GPT-2 or Llama whose tokenizer has one token for each byte or word."""
    config = json.loads((folder / "config.json").read_text())
    writer = GGUFWriter(target, config["model_type"])
    weights = load_file(folder / "model.safetensors")
    if config["model_type"] == "gpt2":
        _write_gpt2_shape(writer, config)
        named = _gpt2_weights(weights, config)
    else:
        _write_llama_shape(writer, config)
        named = _llama_weights(weights, config)
    _write_vocabulary(writer, folder)
    for name, weight in named.items():
        is_matrix = weight.ndim == 2 and name != "position_embd.weight"
        own = kind if is_matrix else GGMLQuantizationType.F32
        data = gguf.quants.quantize(np.ascontiguousarray(weight), own)
        writer.add_tensor(name, data, raw_dtype=own)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_gpt2_shape(writer: GGUFWriter, config: dict[str, Any]) -> None:
    width = config["n_embd"]
    writer.add_block_count(config["n_layer"])
    writer.add_context_length(config["n_positions"])
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(config["n_inner"] or 4 * width)
    writer.add_head_count(config["n_head"])
    writer.add_layer_norm_eps(config["layer_norm_epsilon"])


def _write_llama_shape(writer: GGUFWriter, config: dict[str, Any]) -> None:
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(_head_size(config))
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_vocab_size(config["vocab_size"])


def _write_vocabulary(writer: GGUFWriter, folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    ids = tokenizer["model"]["vocab"]
    ids |= {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    words = sorted(ids, key=ids.__getitem__)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(words)
    writer.add_token_types([gguf.TokenType.NORMAL] * len(words))
    # Without any merge the file counts as broken; this one is never used, because
    # prompts are sent as tokens.
    writer.add_token_merges(["a a"])
    writer.add_add_bos_token(False)
    writer.add_eos_token_id(len(words) - 1)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def _gpt2_weights(weights: Weights, config: dict[str, Any]) -> Weights:
    """Return the weights by GGUF's names; GPT-2 stores its matrices as [in, out]."""
    found = {there: weights[here] for here, there in GPT2.items()}
    for n in range(config["n_layer"]):
        for here, there in GPT2_BLOCK.items():
            for part in ("weight", "bias"):
                weight = weights[f"transformer.h.{n}.{here}.{part}"]
                found[f"blk.{n}.{there}.{part}"] = weight.T
    return found


def _llama_weights(weights: Weights, config: dict[str, Any]) -> Weights:
    """Return the weights by GGUF's names, queries and keys in llama.cpp's order."""
    # An output layer that shares its weight with the embedding has none of its own.
    found = {there: weights[here] for here, there in LLAMA.items() if here in weights}
    for n in range(config["num_hidden_layers"]):
        for here, there in LLAMA_BLOCK.items():
            weight = weights[f"model.layers.{n}.{here}.weight"]
            if there in ("attn_q", "attn_k"):
                weight = _in_pairs(weight, _head_size(config))
            found[f"blk.{n}.{there}.weight"] = weight
    return found


def _in_pairs(weight: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Put the two halves of each head's rows beside each other, row by row.

    ``weight``: [heads * size, in], as is the result.
    """
    halves = weight.reshape(-1, 2, size // 2, weight.shape[1])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def _head_size(config: dict[str, Any]) -> int:
    own: int | None = config.get("head_dim")
    return own or config["hidden_size"] // config["num_attention_heads"]
