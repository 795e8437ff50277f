"""An engine with a small model, for the tests of one request."""

from __future__ import annotations

import pytest

from tests.worker.tiny_models import entry_for
from worker.engine.engine import TransformersEngine
from worker.engine.interface import Engine
from worker.engine.model import LanguageModel


@pytest.fixture
def engine(gpt2: LanguageModel, closing: list[Engine]) -> TransformersEngine:
    """An engine of two rows."""
    engine = TransformersEngine(gpt2, entry_for(), rows=2)
    closing.append(engine)
    return engine
