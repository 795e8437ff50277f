"""The engine that has another server write its replies: one event loop, in a thread."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Mapping
from typing import Final

from chatsite.catalog import ModelEntry
from chatsite.wire import Outcome, Request
from worker.engine.interface import (
    EngineClosed,
    ModelInfo,
    Pause,
    ReplyListener,
    Throughput,
)
from worker.engine.remote.availability import Availability
from worker.engine.remote.faults import Interrupted, Refused
from worker.engine.remote.prompt import PromptWriter
from worker.engine.remote.remote_request import RemoteRequest
from worker.engine.remote.server_client import ServerClient, key_of, rows_of
from worker.engine.remote.token_rate import TokenRate

log = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.5


class RemoteEngine:
    """Implements ``interface.Engine`` with calls to an OpenAI-compatible server.

    A helper job that has to give its row away is handed back instead of paused: a call
    that nobody reads would keep its place on the server.
    """

    def __init__(
        self,
        entry: ModelEntry,
        *,
        rows: int,
        rows_max: int = 256,
        environment: Mapping[str, str] = os.environ,
        on_change: Callable[[], object] = lambda: None,
    ) -> None:
        """Start the loop. ``rows``: replies at once, unless entry or server say so.

        ``rows_max``: how many of them are believed if the server says so.
        ``environment`` holds the key. ``on_change`` is called when the engine begins or
        ends a pause. Raises ``ModelUnavailable``.
        """
        if entry.remote is None:
            raise ValueError(f"{entry.name}: the catalogue names no server")
        key = key_of(entry.remote, environment)
        self.rows = rows_of(entry.remote, key, rows, rows_max)
        self.model_info = ModelInfo(
            model=entry.name,
            label=entry.label,
            revision="",
            device="remote",
            precision="",
            context_tokens=entry.context_tokens,
        )
        #: Rounds of the loop so far, for a watchdog.
        self.steps = 0
        self._writer = PromptWriter(entry, entry.remote)
        self._availability = Availability(entry.remote.check_seconds, on_change)
        self._rate = TokenRate()
        self._waiting: list[RemoteRequest] = []
        self._running: list[RemoteRequest] = []
        self._lock = threading.Lock()
        self._is_closing = False
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._client = ServerClient(entry.remote, key)
        self._thread = threading.Thread(
            target=self._run, name=f"remote {entry.name}", daemon=True
        )
        self._thread.start()

    @property
    def pause(self) -> Pause | None:
        """Why nothing should be submitted now."""
        return self._availability.pause

    def submit(
        self, request: Request, listener: ReplyListener, *, is_helper: bool = False
    ) -> RemoteRequest:
        """Implement ``Engine``: start a request, or queue it until a row is free."""
        with self._lock:
            if self._is_closing:
                raise EngineClosed("the engine is closing")
            handle = RemoteRequest(
                *(request, listener, self._writer, self._loop),
                is_helper=is_helper,
                on_tokens=self._rate.add,
                on_outcome=self._note_outcome,
            )
            self._loop.call_soon_threadsafe(self._add, handle)
        return handle

    def throughput(self) -> Throughput:
        """Implement ``Engine``: return the recent speed and load."""
        return Throughput(
            tokens_per_second=self._rate.tokens_per_second(),
            running=len(self._running),
            waiting=len(self._waiting),
        )

    def close(self, grace_seconds: float) -> None:
        """Implement ``Engine``: refuse new requests and end the running ones."""
        with self._lock:
            is_first = not self._is_closing
            self._is_closing = True
        if is_first:
            grace = min(max(0.0, grace_seconds), threading.TIMEOUT_MAX)
            closing = self._end_all(grace)
            asyncio.run_coroutine_threadsafe(closing, self._loop).result()
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._tick_until_over())
        finally:
            self._loop.close()

    async def _tick_until_over(self) -> None:
        """Measure the speed, and look after the server, until the engine is closed."""
        checking: asyncio.Task[None] | None = None
        while not self._over.is_set():
            self.steps += 1
            self._rate.tick(self._loop.time(), is_busy=bool(self._running))
            is_free = checking is None or checking.done()
            if is_free and self._availability.is_check_due(self._loop.time()):
                checking = self._loop.create_task(self._check())
            try:
                async with asyncio.timeout(TICK_SECONDS):
                    await self._over.wait()
            except TimeoutError:
                continue
        if checking is not None:
            checking.cancel()
            await asyncio.wait([checking])
        await self._client.close()

    async def _check(self) -> None:
        """Ask the server whether it is there."""
        fault = await self._client.check()
        now = self._loop.time()
        if fault is None:
            self._availability.note_present(now)
        else:
            self._availability.note_absent(fault, now)

    def _add(self, handle: RemoteRequest) -> None:
        task = handle.start(self._client)
        self._waiting.append(handle)
        task.add_done_callback(lambda _: self._remove(handle))
        self._give_rows()

    def _remove(self, handle: RemoteRequest) -> None:
        for requests in (self._waiting, self._running):
            if handle in requests:
                requests.remove(handle)
        self._give_rows()

    def _note_outcome(self, handle: RemoteRequest) -> None:
        """Learn from the end of a request whether the server can be used."""
        now = self._loop.time()
        if handle.is_answered:
            self._availability.note_answer(now)
        elif isinstance(handle.fault, Interrupted):
            self._availability.note_interruption(handle.fault, now)
        elif isinstance(handle.fault, Refused):
            log.warning("model %s: %s", self.model_info.model, handle.fault)

    def _give_rows(self) -> None:
        """Give free rows to those that wait, people first, and make room for people."""
        self._waiting.sort(key=lambda request: request.is_helper)
        while self._waiting and len(self._running) < self.rows:
            request = self._waiting.pop(0)
            self._running.append(request)
            request.give_row()
        people = sum(not request.is_helper for request in self._waiting)
        ending = sum(request.is_ending for request in self._running)
        helpers = [r for r in self._running if r.is_helper and not r.is_ending]
        for request in helpers[::-1][: max(0, people - ending)]:
            request.interrupt(Outcome.HANDED_BACK)

    async def _end_all(self, grace_seconds: float) -> None:
        """End all requests, at the latest after the grace time."""
        # Those that were submitted just before are added first.
        await asyncio.sleep(0)
        deadline = self._loop.time() + grace_seconds
        while self._requests() and self._loop.time() < deadline:
            left = deadline - self._loop.time()
            await asyncio.wait(self._tasks(), timeout=left)
        for request in self._requests():
            request.interrupt(Outcome.HANDED_BACK)
        if self._requests():
            await asyncio.wait(self._tasks())
        self._over.set()

    def _requests(self) -> list[RemoteRequest]:
        return [*self._running, *self._waiting]

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [request.task for request in self._requests()]
