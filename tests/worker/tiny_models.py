"""Small real models, made in the tests: random weights and a byte-level tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from bench.random_model import byte_level
from chatsite.catalog import ModelEntry, Template

CONTEXT_TOKENS = 128
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
#: Transcript format for the model without a chat template.
TRANSCRIPT = Template(opening="A talk.", user="Question:", assistant="Answer:")


def byte_tokenizer(chat_template: str | None = None) -> PreTrainedTokenizerFast:
    """One token a byte, as in GPT-2 before any merge, and three special tokens."""
    return PreTrainedTokenizerFast(
        tokenizer_object=byte_level(),
        eos_token="<|im_end|>" if chat_template else "<|endoftext|>",
        additional_special_tokens=["<|im_start|>", "<|im_end|>", "<|endoftext|>"],
        chat_template=chat_template,
    )


def write_gpt2(folder: Path) -> Path:
    """Write a GPT-2 without a chat template."""
    torch.manual_seed(1)
    tokenizer = byte_tokenizer()
    # Large initial weights, so that the likeliest token is clearly the likeliest.
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=CONTEXT_TOKENS,
        n_embd=32,
        n_layer=2,
        n_head=4,
        initializer_range=0.4,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.eos_token_id,
    )
    return write_model(folder, GPT2LMHeadModel(config), tokenizer)


def write_llama(folder: Path) -> Path:
    """Write a Llama with a chat template, rotary positions and grouped heads."""
    torch.manual_seed(2)
    tokenizer = byte_tokenizer(CHAT_TEMPLATE)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=CONTEXT_TOKENS,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.4,
        eos_token_id=tokenizer.eos_token_id,
    )
    return write_model(folder, LlamaForCausalLM(config), tokenizer)


def write_model(folder: Path, model: Any, tokenizer: PreTrainedTokenizerFast) -> Path:
    """Save a model and its tokenizer as a folder that the worker loads."""
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def entry_for(name: str = "tiny", **changes: Any) -> ModelEntry:
    """A catalogue entry for one of these models."""
    values = {
        "label": name,
        "source": None,
        "context_tokens": CONTEXT_TOKENS,
        "template": TRANSCRIPT,
    }
    return ModelEntry(name=name, **{**values, **changes})
