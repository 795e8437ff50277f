"""Models for the tests of the worker, loaded once a session."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import torch

from chatsite.catalog import Catalog
from chatsite.machine import find_compilers
from tests.environment import FORWARD
from tests.worker.tiny_models import write_gpt2, write_llama
from worker.engine.flat_forward import is_available
from worker.engine.interface import Engine
from worker.engine.model import LanguageModel, load_model
from worker.weights.fetch import fetch

ROOT = Path(__file__).resolve().parents[2]
#: What one run leaves for the next.
CACHE = Path(os.environ.get("CHATSITE_TEST_CACHE", ROOT / ".cache"))

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


Load = Callable[[Path, str], LanguageModel]


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Loads a folder to be computed by a forward pass such as ``native-int8``."""
    data_dir = tmp_path_factory.mktemp("data")

    def loaded(folder: Path, forward: str) -> LanguageModel:
        name, _, precision = forward.partition("-")
        if name == "native" and not find_compilers():
            pytest.skip("this machine has no C compiler")
        if forward == "flat-fp16" and not is_available("fp16"):
            pytest.skip("torch has no fp16 layers for this processor")
        model = load_model(
            folder,
            device="cpu",
            threads=1,
            precision=precision,
            data_dir=data_dir if name == "native" else None,
        )
        assert (model.forward_name, model.precision) == (name, precision)
        return model

    return loaded


@pytest.fixture(scope="session")
def gpt2(gpt2_folder: Path, load: Load) -> LanguageModel:
    return load(gpt2_folder, FORWARD)


@pytest.fixture(scope="session")
def llama(llama_folder: Path, load: Load) -> LanguageModel:
    return load(llama_folder, FORWARD)


@pytest.fixture(scope="session")
def smollm2_folder() -> Path:
    """Real weights, converted once into a cache that the next run finds."""
    entry = Catalog.load(ROOT / "catalog.toml").get("smollm2")
    return fetch(entry, CACHE, lambda share, note: None)


@pytest.fixture(scope="session")
def smollm2(smollm2_folder: Path, load: Load) -> LanguageModel:
    return load(smollm2_folder, FORWARD)


@pytest.fixture
def closing() -> Iterator[list[Engine]]:
    """Engines appended to this list are closed after the test."""
    engines: list[Engine] = []
    yield engines
    for engine in engines:
        engine.close(0)
