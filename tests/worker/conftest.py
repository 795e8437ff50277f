"""Small real models, made here: random weights, a byte-level tokenizer."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from bench.random_model import byte_level
from chatsite.catalog import Catalog, ModelEntry, Template
from chatsite.wire import Ending, Request, Role, SamplingParams, Turn
from worker.engine.interface import Engine
from worker.engine.model import LanguageModel, load_model
from worker.weights.fetch import fetch

ROOT = Path(__file__).resolve().parents[2]
CONTEXT_TOKENS = 128
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEMPLATE = Template(opening="A talk.", user="Question:", assistant="Answer:")

torch.set_num_threads(1)
# A machine that is busy is no failure.
hypothesis.settings.register_profile("worker", deadline=None)
hypothesis.settings.load_profile("worker")


def byte_tokenizer(chat_template: str | None = None) -> PreTrainedTokenizerFast:
    """One token a byte, as in GPT-2 before any merge, and three special tokens."""
    return PreTrainedTokenizerFast(
        tokenizer_object=byte_level(),
        eos_token="<|im_end|>" if chat_template else "<|endoftext|>",
        additional_special_tokens=["<|im_start|>", "<|im_end|>", "<|endoftext|>"],
        chat_template=chat_template,
    )


def write_model(folder: Path, model: Any, tokenizer: PreTrainedTokenizerFast) -> Path:
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def gpt2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
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
    folder = tmp_path_factory.mktemp("gpt2")
    return write_model(folder, GPT2LMHeadModel(config), tokenizer)


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
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
    folder = tmp_path_factory.mktemp("llama")
    return write_model(folder, LlamaForCausalLM(config), tokenizer)


@pytest.fixture(scope="session")
def gpt2(gpt2_folder: Path) -> LanguageModel:
    return load_model(gpt2_folder, device="cpu", threads=1)


@pytest.fixture(scope="session")
def llama(llama_folder: Path) -> LanguageModel:
    return load_model(llama_folder, device="cpu", threads=1)


@pytest.fixture(scope="session")
def smollm2_folder() -> Path:
    """Real weights, converted once into a cache that the next run finds."""
    cache = Path(os.environ.get("CHATSITE_TEST_CACHE", ROOT / ".cache"))
    entry = Catalog.load(ROOT / "catalog.toml").get("smollm2")
    return fetch(entry, cache, lambda share, note: None)


@pytest.fixture(scope="session")
def smollm2(smollm2_folder: Path) -> LanguageModel:
    return load_model(smollm2_folder, device="cpu", threads=2)


def entry_for(name: str = "tiny", **changes: Any) -> ModelEntry:
    values = {
        "label": name,
        "source": None,
        "context_tokens": CONTEXT_TOKENS,
        "template": TEMPLATE,
    }
    return ModelEntry(name=name, **{**values, **changes})


def turns(*texts: str) -> list[Turn]:
    """By a person and the model in turn."""
    roles = (Role.USER, Role.ASSISTANT)
    return [Turn(roles[i % 2], text) for i, text in enumerate(texts)]


def request_for(
    *texts: str, max_seconds: float = 60, dropped_turns: int = 0, **settings: Any
) -> Request:
    """Turns by a person and the model in turn."""
    return Request(
        turns=tuple(turns(*texts)),
        settings=SamplingParams(**{"temperature": 0, "max_new_tokens": 16, **settings}),
        max_seconds=max_seconds,
        dropped_turns=dropped_turns,
    )


class RecordingListener:
    """A listener that keeps what it hears, and can be awaited."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.counts: list[int] = []
        self.endings: list[Ending] = []
        self.first_text = threading.Event()
        self._ended = threading.Event()

    def on_text(self, text: str, new_tokens: int) -> None:
        self.pieces.append(text)
        self.counts.append(new_tokens)
        self.first_text.set()

    def on_end(self, ending: Ending) -> None:
        self.endings.append(ending)
        self._ended.set()

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def ending(self, timeout_seconds: float = 60) -> Ending:
        """Wait for the end of the run."""
        assert self._ended.wait(timeout_seconds), "the run did not end"
        return self.endings[0]


@pytest.fixture
def closing() -> Iterator[list[Engine]]:
    """Engines put in here are closed after the test."""
    engines: list[Engine] = []
    yield engines
    for engine in engines:
        engine.close(0)
