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

VOCABULARY = 50_257
CONTEXT_TOKENS = 1024
#: The prompt is the newest message, as it stands.
CHAT_TEMPLATE = "{{ messages[-1]['content'] }}"


def full_size(cache: Path) -> Path:
    """GPT-2, 124 million parameters; made once."""
    return _made(cache / "gpt2-124m", GPT2Config(), VOCABULARY)


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
    return _made(cache / "gpt2-small", config, 512)


def _made(folder: Path, config: GPT2Config, vocabulary: int) -> Path:
    if folder.is_dir():
        return folder
    # Nothing ends a reply but its length.
    config.eos_token_id = config.bos_token_id = None
    torch.manual_seed(0)
    module = GPT2LMHeadModel(config)
    module.generation_config.eos_token_id = None
    logging.disable_progress_bar()
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    module.save_pretrained(partial)
    _tokenizer(vocabulary).save_pretrained(partial)
    partial.rename(folder)
    return folder


def _tokenizer(size: int) -> PreTrainedTokenizerFast:
    """The letters of GPT-2's tokenizer, and words nobody types for the other tokens."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = ("".join(word) for word in product(ascii_lowercase, repeat=4))
    tokens = [*letters, *islice(words, size - len(letters))]
    backend = Tokenizer(
        models.BPE(vocab={token: n for n, token in enumerate(tokens)}, merges=[])
    )
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, chat_template=CHAT_TEMPLATE
    )
