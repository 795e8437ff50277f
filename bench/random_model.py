"""Models with known shapes and random weights, and a tokenizer with known lengths.

Speed does not depend on the values of the weights. Each letter of a prompt is one
token, and every token has some text, so that each new token can be observed.
"""

from __future__ import annotations

from itertools import islice, product
from pathlib import Path
from string import ascii_lowercase

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

from bench.cache import made_once

#: The prompt is the text of the newest message.
CHAT_TEMPLATE = "{{ messages[-1]['content'] }}"


def gpt2(cache: Path) -> Path:
    """Return the folder of a GPT-2 with 124 million parameters, made once."""
    config = GPT2Config(bos_token_id=None, eos_token_id=None)
    return made(cache / "gpt2-124m", config)


def smollm2(cache: Path) -> Path:
    """Return the folder of a Llama with the shape of SmolLM2 135M, made once."""
    config = LlamaConfig(
        vocab_size=49152,
        max_position_embeddings=2048,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
    )
    return made(cache / "smollm2-135m", config)


def small(cache: Path) -> Path:
    """Return the folder of a model so small that only the engine takes time."""
    config = GPT2Config(
        vocab_size=512,
        n_positions=128,
        n_embd=32,
        n_layer=2,
        n_head=4,
        bos_token_id=None,
        eos_token_id=None,
    )
    return made(cache / "gpt2-small", config)


def made(folder: Path, config: PreTrainedConfig) -> Path:
    """Make a model without an end-of-text token: only its length ends a reply."""

    def write(target: Path) -> None:
        torch.manual_seed(0)
        logging.disable_progress_bar()
        AutoModelForCausalLM.from_config(config).save_pretrained(target)
        PreTrainedTokenizerFast(
            tokenizer_object=byte_level(config.vocab_size), chat_template=CHAT_TEMPLATE
        ).save_pretrained(target)

    return made_once(folder, write)


def byte_level(size: int = 256) -> Tokenizer:
    """Make a byte-level tokenizer with ``size`` tokens.

    The tokens are GPT-2's 256 byte characters and artificial words of four letters.
    """
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = ("".join(word) for word in product(ascii_lowercase, repeat=4))
    tokens = [*letters, *islice(words, size - len(letters))]
    backend = Tokenizer(
        models.BPE(vocab={token: n for n, token in enumerate(tokens)}, merges=[])
    )
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return backend
