"""Very small models of both kinds, with the tokenizer of the measurements."""

from __future__ import annotations

from pathlib import Path

from transformers import GPT2Config, LlamaConfig

from bench import random_model

#: Large initial weights, so that the likeliest token is clearly the likeliest.
SPREAD = 0.4
VOCABULARY = 512


def gpt2(cache: Path) -> Path:
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=1024,
        n_embd=32,
        n_layer=2,
        n_head=4,
        initializer_range=SPREAD,
        bos_token_id=None,
        eos_token_id=None,
    )
    return random_model.made(cache / "gpt2", config)


def llama(cache: Path) -> Path:
    """With grouped heads and an output layer of its own."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        max_position_embeddings=2048,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=SPREAD,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=None,
    )
    return random_model.made(cache / "llama", config)
