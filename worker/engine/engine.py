"""The engine that runs a causal language model: one loop, in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

import torch

from chatsite.catalog import ModelEntry
from chatsite.wire import Request
from worker.engine.drafts import DraftPolicy
from worker.engine.interface import EngineClosed, ModelInfo, ReplyListener, Throughput
from worker.engine.kv_cache import KVCache
from worker.engine.logprobs import RawLogprobs
from worker.engine.memory import CacheSize
from worker.engine.model import LanguageModel
from worker.engine.prefill_budget import (
    STEP_FACTOR,
    FixedBudget,
    MeasuredBudget,
    PrefillBudget,
)
from worker.engine.prompt_format import PromptFormat
from worker.engine.running_request import RunningRequest, Sampled, describe_error
from worker.engine.sampling import sample
from worker.engine.scheduler import Scheduler
from worker.engine.sequence import Chunk
from worker.engine.throughput import ThroughputMeter

log = logging.getLogger(__name__)

#: Default limit of replies at once.
DEFAULT_ROWS = 8


class TransformersEngine:
    """Implements ``interface.Engine`` for one model, by continuous batching.

    Each step samples one token for every running reply, in one forward pass, together
    with a chunk of the prompts that joined. A request joins when a row is free and
    leaves when it ends; it never waits for the end of another. (Iteration-level
    scheduling: Orca, Yu et al. 2022.)
    """

    #: It is always ready.
    pause = None

    def __init__(
        self,
        model: LanguageModel,
        entry: ModelEntry,
        *,
        rows: int = DEFAULT_ROWS,
        memory_mb: int = 0,
        workers: int = 1,
        prefill_tokens: int = 0,
        step_factor: float = STEP_FACTOR,
        drafts: DraftPolicy | None = None,
        clock: Callable[[], float] = time.monotonic,
        on_broken: Callable[[], object] = lambda: None,
    ) -> None:
        """Allocate the KV cache and start the engine's thread.

        ``rows``: limit of replies at once; fewer if ``memory_mb`` holds no more.
        ``memory_mb``: mebibytes for the KV cache; 0 takes a share of the memory, which
        ``workers`` processes divide between them.
        ``prefill_tokens``: prompt tokens in one step; 0 takes as many as let a step
        take ``step_factor`` times as long as the replies in it by themselves.
        ``drafts``: which replies are drafted; None drafts those for which it pays.
        ``clock``: monotonic seconds. ``on_broken`` is called when the device is beyond
        repair. Raises ``ModelUnavailable``.
        """
        self._model = model
        self._clock = clock
        self._on_broken = on_broken
        self._format = PromptFormat.of(model, entry)
        shape = model.row_shape(self._format.context_tokens)
        size = CacheSize.plan(
            shape.bytes, rows, model.device, memory_mb=memory_mb, workers=workers
        )
        threads = torch.get_num_threads()
        log.info(
            "%d replies at once, memory for %d earlier ones, %d threads",
            *(size.max_running, size.rows - size.max_running, threads),
        )
        self.rows = size.max_running
        self.model_info = ModelInfo(
            model=entry.name,
            label=entry.label,
            revision=entry.revision,
            device=str(model.device),
            precision=model.precision,
            threads=threads if model.device.type == "cpu" else 0,
            context_tokens=self._format.context_tokens,
            vocabulary=self._format.vocabulary,
        )
        self._prefill = _new_prefill_budget(prefill_tokens, step_factor)
        self._scheduler = Scheduler[RunningRequest](
            max_running=size.max_running, rows=size.rows, prefill=self._prefill
        )
        self._drafts = drafts or DraftPolicy()
        self._cache = self._new_kv_cache()
        self._changed = threading.Condition()
        self._inbox: deque[RunningRequest] = deque()
        #: The chunks of the step in progress.
        self._chunks: list[Chunk[RunningRequest]] = []
        self._is_closing = False
        self._is_handing_back = False
        self._meter = ThroughputMeter()
        #: Steps so far, for a watchdog.
        self.steps = 0
        self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)
        self._thread.start()

    def submit(
        self, request: Request, listener: ReplyListener, *, is_helper: bool = False
    ) -> RunningRequest:
        """Implement ``Engine``: start a request, or queue it until a row is free."""
        running = RunningRequest(request, listener, self._format, self._clock())
        running.is_helper = is_helper
        running.prepare()
        with self._changed:
            if self._is_closing:
                raise EngineClosed("the engine is closing")
            self._inbox.append(running)
            self._changed.notify_all()
        return running

    def throughput(self) -> Throughput:
        """Implement ``Engine``: return the recent speed and load."""
        waiting = len(self._inbox) + len(self._scheduler.waiting)
        running = len(self._scheduler.running)
        return self._meter.measure(running=running, waiting=waiting)

    def close(self, grace_seconds: float) -> None:
        """Implement ``Engine``: refuse new requests and end the running ones."""
        is_own = threading.current_thread() is self._thread
        # The engine's thread cannot wait for itself.
        grace = 0.0 if is_own else min(max(0.0, grace_seconds), threading.TIMEOUT_MAX)
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
            self._changed.wait_for(self._is_idle, timeout=grace)
            self._is_handing_back = True
        if not is_own:
            self._thread.join()

    def step(self) -> None:
        """Read one chunk of each scheduled request and sample the next tokens."""
        started = self._clock()
        self._take_inbox()
        self._finish_due()
        self._scheduler.admit()
        self._chunks = chunks = self._drafts.with_drafts(self._scheduler.schedule())
        if not chunks:
            return
        self._cache.copy_rows(self._scheduler.take_row_copies())
        values = self._model.forward(chunks, self._cache)  # [sampled, vocabulary]
        logits = self._model.wrap_logits(values)
        self._scheduler.mark_cached(chunks)
        samplers = [c.sequence.sampler for c in chunks for _ in c.sampled_after]
        history = self._cache.token_history(chunks)
        raw = RawLogprobs(logits, samplers)
        tokens = sample(logits, samplers, history)
        sampled = zip(tokens, raw.of(tokens), strict=True)
        new_tokens = self._append_tokens(chunks, sampled)
        self._remove_finished()
        self._measure(self._clock() - started, chunks, new_tokens=new_tokens)
        self.steps += 1

    def _append_tokens(
        self, chunks: list[Chunk[RunningRequest]], tokens: Iterator[Sampled]
    ) -> int:
        """Give each request the tokens sampled for it; return how many were kept."""
        sampled = [(c, list(islice(tokens, len(c.sampled_after)))) for c in chunks]
        kept = 0
        for chunk, new in sampled:
            if new:
                with self._failing_alone(chunk.sequence):
                    kept += chunk.sequence.append_tokens(new, chunk.draft)
        return kept

    def _loop(self) -> None:
        while self._wait_for_work():
            try:
                self.step()
            except BaseException as error:
                self._recover(error)

    def _measure(
        self, seconds: float, chunks: list[Chunk[RunningRequest]], *, new_tokens: int
    ) -> None:
        """Record the duration of a step, for the operator and for the next steps."""
        self._meter.add(seconds, chunks, new_tokens=new_tokens)
        self._drafts.add(seconds, chunks)
        if any(chunk.draft for chunk in chunks):
            return
        replies = sum(chunk.is_decode for chunk in chunks)
        read_tokens = sum(chunk.stop - chunk.start for chunk in chunks)
        self._prefill.add(seconds, replies=replies, prompt_tokens=read_tokens - replies)

    def _wait_for_work(self) -> bool:
        """Block until there is a request; return False once closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closing or not self._is_idle())
            return not self._is_idle()

    def _is_idle(self) -> bool:
        return not (self._inbox or self._scheduler.running or self._scheduler.waiting)

    def _take_inbox(self) -> None:
        with self._changed:
            self._scheduler.waiting.extend(self._inbox)
            self._inbox.clear()

    def _finish_due(self) -> None:
        """End requests that were stopped, are invalid, or are out of time."""
        now = self._clock()
        for request in (*self._scheduler.running, *self._scheduler.waiting):
            request.count_time(now)
            if self._is_handing_back or request.is_due(now):
                with self._failing_alone(request):
                    request.finish_due(is_handed_back=self._is_handing_back)
        self._remove_finished()

    @contextmanager
    def _failing_alone(self, request: RunningRequest) -> Iterator[None]:
        """Turn an error in the handling of a request into the end of that request."""
        try:
            yield
        except BaseException as error:
            log.warning("a reply failed in the engine: %s", describe_error(error))
            try:
                request.fail(error)
            except BaseException as fault:
                log.error(  # noqa: TRY400 - the trace may contain text of a user
                    "a listener failed at its end: %s", describe_error(fault)
                )

    def _remove_finished(self) -> None:
        """Free the rows of finished requests."""
        for request in (*self._scheduler.running, *self._scheduler.waiting):
            if request.is_finished:
                self._scheduler.remove(request)
        with self._changed:
            if self._is_idle():
                self._changed.notify_all()

    def _recover(self, error: BaseException) -> None:
        """Rebuild the KV cache after a failed step, and read all requests again.

        The requests of the failed step are read one at a time from then on, until it is
        clear which one is the cause. No text is lost.
        """
        log.error("a step of the engine failed: %s", describe_error(error))
        suspects = [c.sequence for c in self._chunks] or [*self._scheduler.running]
        for request in suspects or [*self._scheduler.waiting]:
            with self._failing_alone(request):
                request.suspect(error)
        self._chunks = []
        self._scheduler.reset_cache()
        self._remove_finished()
        try:
            # The old cache is freed before the new one is allocated, as memory may be
            # what is short. The frames of the traceback hold references to it too.
            traceback.clear_frames(error.__traceback__)
            del self._cache
            self._cache = self._new_kv_cache()
        except BaseException as fault:
            self._give_up(fault)

    def _new_kv_cache(self) -> KVCache:
        return self._model.new_kv_cache(
            self._scheduler.rows, self._format.context_tokens
        )

    def _give_up(self, error: BaseException) -> None:
        """Hand back all requests, for other workers to answer, and report the fault."""
        log.critical("the engine cannot be rebuilt: %s", describe_error(error))
        with self._changed:
            self._is_closing = self._is_handing_back = True
        self._take_inbox()
        self._finish_due()
        self._on_broken()


def _new_prefill_budget(prefill_tokens: int, step_factor: float) -> PrefillBudget:
    """Return the budget of so many tokens, or by measured time if they are 0."""
    if prefill_tokens:
        return FixedBudget(beside_replies=prefill_tokens, first=prefill_tokens)
    return MeasuredBudget(step_factor)
