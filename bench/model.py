"""A model of GPT-2's shape with random weights, and a tokenizer that anyone can count.

Speed does not depend on what weights say. A letter of a prompt is one token, whatever
stands beside it, and every token has some text, so that each one shows.
"""

from __future__ import annotations

import shutil
from itertools import islice, product
from pathlib import Path
from string import ascii_lowercase

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from transformers.utils import logging

#: The prompt is the newest message, as it stands.
CHAT_TEMPLATE = "{{ messages[-1]['content'] }}"


def full_size(cache: Path) -> Path:
    """GPT-2, 124 million parameters; made once."""
    config = GPT2Config(bos_token_id=None, eos_token_id=None)
    return _made(cache / "gpt2-124m", config)


def small(cache: Path) -> Path:
    """A model so small that only the engine around it takes time."""
    config = GPT2Config(
        vocab_size=512,
        n_positions=128,
        n_embd=32,
        n_layer=2,
        n_head=4,
        bos_token_id=None,
        eos_token_id=None,
    )
    return _made(cache / "gpt2-small", config)


def _made(folder: Path, config: GPT2Config) -> Path:
    """Without a token that ends a text: nothing ends a reply but its length."""
    if folder.is_dir():
        return folder
    torch.manual_seed(0)
    logging.disable_progress_bar()
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    GPT2LMHeadModel(config).save_pretrained(partial)
    PreTrainedTokenizerFast(
        tokenizer_object=byte_level(config.vocab_size), chat_template=CHAT_TEMPLATE
    ).save_pretrained(partial)
    partial.rename(folder)
    return folder


def byte_level(size: int = 256) -> Tokenizer:
    """The letters of GPT-2's tokenizer, and words nobody types for further tokens."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = ("".join(word) for word in product(ascii_lowercase, repeat=4))
    tokens = [*letters, *islice(words, size - len(letters))]
    backend = Tokenizer(
        models.BPE(vocab={token: n for n, token in enumerate(tokens)}, merges=[])
    )
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return backend
