"""An engine with a small model, for the tests of one request; builds of the C source."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from chatsite.machine import find_compilers
from tests.worker.conftest import CACHE
from tests.worker.tiny_models import entry_for
from worker.engine.engine import TransformersEngine
from worker.engine.interface import Engine
from worker.engine.model import LanguageModel
from worker.engine.native import instruction_sets
from worker.engine.native.compile import build


@pytest.fixture
def engine(gpt2: LanguageModel, closing: list[Engine]) -> TransformersEngine:
    """An engine of two rows."""
    engine = TransformersEngine(gpt2, entry_for(), rows=2)
    closing.append(engine)
    return engine


@pytest.fixture(scope="session")
def compiler() -> str:
    """A C compiler. Without one the test is skipped, in CI it fails."""
    found = next(iter(find_compilers()), None)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("NO C COMPILER")
    return found


@pytest.fixture(scope="session")
def builds(compiler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the C source built for every instruction set of this machine.

    The builds are kept in a cache that the next run finds.
    """
    folder, kept = tmp_path_factory.mktemp("builds"), CACHE / "builds"
    kept.mkdir(parents=True, exist_ok=True)
    with FileLock(kept / "lock"):
        for instructions in instruction_sets.available():
            shutil.copy2(build(kept, instructions), folder)
    return folder
