"""A model with GPT-2's shape and random weights, and a tokenizer with known lengths.

Speed does not depend on the values of the weights. Each letter of a prompt is one
token, and every token has some text, so that each new token can be observed.
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

#: The prompt is the text of the newest message.
CHAT_TEMPLATE = "{{ messages[-1]['content'] }}"


def full_size(cache: Path) -> Path:
    """Return the folder of a GPT-2 with 124 million parameters, made once."""
    config = GPT2Config(bos_token_id=None, eos_token_id=None)
    return _made(cache / "gpt2-124m", config)


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
    return _made(cache / "gpt2-small", config)


def _made(folder: Path, config: GPT2Config) -> Path:
    """Make a model without an end-of-text token: only its length ends a reply."""
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
