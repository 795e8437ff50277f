"""Models for the tests of the worker, loaded once a session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import torch

from chatsite.catalog import Catalog
from tests.worker.tiny_models import write_gpt2, write_llama
from worker.engine.interface import Engine
from worker.engine.model import LanguageModel, load_model
from worker.weights.fetch import fetch

ROOT = Path(__file__).resolve().parents[2]

torch.set_num_threads(1)
# A slow example is no failure on a busy machine.
hypothesis.settings.register_profile("worker", deadline=None)
hypothesis.settings.load_profile("worker")


@pytest.fixture(scope="session")
def gpt2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gpt2(tmp_path_factory.mktemp("gpt2"))


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="session")
def gpt2(gpt2_folder: Path) -> LanguageModel:
    return load_model(gpt2_folder, device="cpu", threads=1, precision="fp32")


@pytest.fixture(scope="session")
def llama(llama_folder: Path) -> LanguageModel:
    return load_model(llama_folder, device="cpu", threads=1, precision="fp32")


@pytest.fixture(scope="session")
def smollm2_folder() -> Path:
    """Real weights, converted once into a cache that the next run finds."""
    cache = Path(os.environ.get("CHATSITE_TEST_CACHE", ROOT / ".cache"))
    entry = Catalog.load(ROOT / "catalog.toml").get("smollm2")
    return fetch(entry, cache, lambda share, note: None)


@pytest.fixture(scope="session")
def smollm2(smollm2_folder: Path) -> LanguageModel:
    return load_model(smollm2_folder, device="cpu", threads=1, precision="fp32")


@pytest.fixture
def closing() -> Iterator[list[Engine]]:
    """Engines appended to this list are closed after the test."""
    engines: list[Engine] = []
    yield engines
    for engine in engines:
        engine.close(0)
