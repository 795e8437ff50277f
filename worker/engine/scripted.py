"""An engine without weights, for tests of everything that is not the model.

Its reply repeats the words of the newest prompt (``script``), so a test knows what to
expect. A word is a token. A reply that was begun continues with the next word, by
number. Limits of length and stop strings end it as they end a model's.
"""

from __future__ import annotations

import threading
import time
from collections import deque

from chatsite.catalog import ModelEntry
from chatsite.wire import Request
from worker.engine.interface import EngineClosed, ModelInfo, ReplyListener, Throughput
from worker.engine.scripted_request import (
    DEFAULT_DELAY_SECONDS,
    VOCABULARY,
    ScriptedRequest,
)

CONTEXT_TOKENS = 8192


class ScriptedEngine:
    """Implements ``interface.Engine`` with one token a word.

    Each running request has a thread. There are twice as many as rows, since helper
    jobs that gave their rows away keep theirs.
    """

    #: It is always ready.
    pause = None

    def __init__(self, rows: int = 1, entry: ModelEntry | None = None) -> None:
        self.rows = rows
        self.model_info = ModelInfo(
            model=entry.name if entry else "scripted",
            label=entry.label if entry else "Scripted replies",
            revision="",
            precision="",
            device="cpu",
            context_tokens=entry.context_tokens if entry else CONTEXT_TOKENS,
            vocabulary=VOCABULARY,
        )
        self._changed = threading.Condition()
        self._waiting: deque[ScriptedRequest] = deque()
        self._running: list[ScriptedRequest] = []
        self._is_closing = False
        self._threads = [
            threading.Thread(target=self._serve, name=f"scripted-{row}", daemon=True)
            for row in range(2 * rows)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def steps(self) -> int:
        """Time, which always grows: a reply that hangs does so on purpose."""
        return time.monotonic_ns()

    def submit(
        self, request: Request, listener: ReplyListener, *, is_helper: bool = False
    ) -> ScriptedRequest:
        """Implement ``Engine``: start a request, or queue it until a row is free."""
        context_tokens = self.model_info.context_tokens
        handle = ScriptedRequest(request, listener, context_tokens, is_helper=is_helper)
        with self._changed:
            if self._is_closing:
                raise EngineClosed("the engine is closing")
            self._waiting.append(handle)
            self._changed.notify_all()
        return handle

    def throughput(self) -> Throughput:
        """Implement ``Engine``: return the recent speed and load."""
        with self._changed:
            running = len(self._running)
        return Throughput(
            tokens_per_second=running / DEFAULT_DELAY_SECONDS, running=running
        )

    def close(self, grace_seconds: float) -> None:
        """Implement ``Engine``: refuse new requests and end the running ones."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
            self._changed.wait_for(self._is_idle, timeout=max(0.0, grace_seconds))
            for request in (*self._running, *self._waiting):
                request.hand_back()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()

    def _is_idle(self) -> bool:
        return not self._running and not self._waiting

    def _serve(self) -> None:
        """Play requests, one after another."""
        while (request := self._next()) is not None:
            request.play()
            with self._changed:
                self._running.remove(request)
                self._resume()
                self._changed.notify_all()

    def _next(self) -> ScriptedRequest | None:
        """Wait for a request; return None once the engine is closed and empty."""
        with self._changed:
            self._changed.wait_for(self._can_start_or_end)
            if not self._waiting:
                return None
            request = self._first()
            if self._free_rows() <= 0:
                self._active_helpers()[-1].pause()
            self._waiting.remove(request)
            self._running.append(request)
            return request

    def _can_start_or_end(self) -> bool:
        if not self._waiting:
            return self._is_closing
        has_room = self._free_rows() > 0
        return has_room or (
            not self._first().is_helper and bool(self._active_helpers())
        )

    def _first(self) -> ScriptedRequest:
        """The first request that waits, people before helper jobs."""
        people = (request for request in self._waiting if not request.is_helper)
        return next(people, self._waiting[0])

    def _free_rows(self) -> int:
        return self.rows - sum(not request.is_paused for request in self._running)

    def _active_helpers(self) -> list[ScriptedRequest]:
        running = self._running
        return [one for one in running if one.is_helper and not one.is_paused]

    def _resume(self) -> None:
        """Give free rows to helper jobs without one, unless people wait."""
        if any(not request.is_helper for request in self._waiting):
            return
        for request in self._running:
            if request.is_paused and self._free_rows() > 0:
                request.resume()
