"""A listener that records the output of one request."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from chatsite.logprobs import TokenLogprobs
from chatsite.wire import Ending
from tests.worker.sample_requests import request_for
from worker.engine.interface import Engine


class RecordingListener:
    """Implements ``ReplyListener``; its first text and its end can be awaited."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.logprobs: list[TokenLogprobs] = []
        self.counts: list[int] = []
        self.endings: list[Ending] = []
        self.first_text = threading.Event()
        self.ended = threading.Event()

    def on_text(
        self, text: str, new_tokens: int, logprobs: Sequence[TokenLogprobs] = ()
    ) -> None:
        self.logprobs += logprobs
        self.texts.append(text)
        self.counts.append(new_tokens)
        self.first_text.set()

    def on_end(self, ending: Ending) -> None:
        self.endings.append(ending)
        self.ended.set()

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def ending(self, timeout_seconds: float = 60) -> Ending:
        """Wait for the end of the request."""
        assert self.ended.wait(timeout_seconds), "the request did not end"
        return self.endings[0]


def completed(engine: Engine, *texts: str, **params: Any) -> RecordingListener:
    """Submit a request and wait for its end."""
    listener = RecordingListener()
    engine.submit(request_for(*texts, **params), listener)
    listener.ending()
    return listener
