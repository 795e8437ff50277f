from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chatsite.catalog import ModelEntry, Template
from chatsite.remote_model import RemoteModel
from tests.worker.engine.remote.quirky_server import QuirkyServer
from worker.engine.interface import Engine
from worker.engine.remote.engine import RemoteEngine

KEY = "sk-canary-4711"
TRANSCRIPT = Template(opening="A talk.", user="Q:", assistant="A:")

Open = Callable[..., RemoteEngine]


@pytest.fixture
def server() -> Iterator[QuirkyServer]:
    server = QuirkyServer()
    yield server
    server.close()


@pytest.fixture
def opened(server: QuirkyServer, closing: list[Engine]) -> Open:
    """Opens an engine for the model of this name on the quirky server."""

    def opened(model: str, **remote: Any) -> RemoteEngine:
        asked: dict[str, Any] = {"silence_seconds": 0.3, "rows": 2} | remote
        entry = ModelEntry(
            name="far",
            label="Far",
            source=None,
            context_tokens=asked.pop("context_tokens", 4096),
            template=TRANSCRIPT,
            stop=asked.pop("stop", ()),
            engine="remote",
            remote=RemoteModel(**{"url": server.url, "model": model} | asked),
        )
        engine = RemoteEngine(entry, rows=8, environment={"FAR_KEY": KEY})
        closing.append(engine)
        return engine

    return opened
