"""The engine that runs a causal language model: one loop, in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chatsite.catalog import ModelEntry
from chatsite.wire import Request
from worker.engine.interface import About, EngineClosed, Listener, Pace
from worker.engine.kv_cache import Store
from worker.engine.memory import Room
from worker.engine.model import LanguageModel
from worker.engine.running_request import Generation, Speaker, describe
from worker.engine.sampling import choose
from worker.engine.scheduler import Batcher, Span
from worker.engine.throughput import PaceMeter

log = logging.getLogger(__name__)

#: Live replies of an engine that is not told otherwise.
SLOTS = 8
#: What a step reads of prompts beside replies that are being written, which wait for
#: it; see ``Batcher``.
PREFILL_TOKENS = {"cpu": 20}
PREFILL_TOKENS_ELSEWHERE = 512
#: What it reads of them while nobody is being written to.
FIRST_PREFILL_TOKENS = 256


class TransformersEngine:
    """Implements ``worker.engine.interface.Engine`` for one model: continuous batching.

    Every step takes all live replies one token on, in one forward pass, together with
    a chunk of the prompts that joined. A reply joins when a row is free and leaves when
    it ends; nobody waits for anybody else's end.
    """

    def __init__(
        self,
        model: LanguageModel,
        entry: ModelEntry,
        *,
        rows: int = SLOTS,
        memory_mb: int = 0,
        workers: int = 1,
        prefill_tokens: int = 0,
        clock: Callable[[], float] = time.monotonic,
        on_broken: Callable[[], object] = lambda: None,
    ) -> None:
        """``rows``: most live replies; fewer where ``memory_mb`` holds no more.

        ``memory_mb``: for keys and values; 0 takes a share of the machine's, which
        ``workers`` processes take together.
        ``prefill_tokens``: of prompts, in one step beside others; 0 goes by device.
        ``clock``: seconds, from any start, never going back. ``on_broken`` is called
        when the device is beyond repair. Raises ``ModelUnavailable``.
        """
        self._model = model
        self._clock = clock
        self._on_broken = on_broken
        self._speaker = Speaker.of(model, entry)
        shape = model.row_shape(self._speaker.context_tokens)
        room = Room.plan(shape.bytes, rows, model.device, mb=memory_mb, workers=workers)
        log.info("%d replies at once, %d rows", room.slots, room.rows)
        self.rows = room.slots
        self.about = About(entry.name, entry.label, entry.revision, str(model.device))
        by_device = PREFILL_TOKENS.get(model.device.type, PREFILL_TOKENS_ELSEWHERE)
        self._batcher = Batcher[Generation](
            slots=room.slots,
            rows=room.rows,
            prefill_tokens=prefill_tokens or by_device,
            first_prefill_tokens=prefill_tokens or max(FIRST_PREFILL_TOKENS, by_device),
        )
        self._store = self._new_store()
        self._changed = threading.Condition()
        self._inbox: deque[Generation] = deque()
        #: What the step under way reads.
        self._reading: list[Span[Generation]] = []
        self._is_closing = False
        self._is_handing_back = False
        self._meter = PaceMeter()
        #: Steps so far, for a watchdog: grows while anything is live.
        self.steps = 0
        self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)
        self._thread.start()

    def submit(self, request: Request, listener: Listener) -> Generation:
        run = Generation(request, listener, self._speaker, self._clock())
        run.prepare()
        with self._changed:
            if self._is_closing:
                raise EngineClosed("the engine is closing")
            self._inbox.append(run)
            self._changed.notify_all()
        return run

    def pace(self) -> Pace:
        waiting = len(self._inbox) + len(self._batcher.waiting)
        return self._meter.pace(live=len(self._batcher.live), waiting=waiting)

    def close(self, grace_seconds: float) -> None:
        is_own = threading.current_thread() is self._thread
        # Its own thread cannot wait for itself.
        grace = 0.0 if is_own else min(max(0.0, grace_seconds), threading.TIMEOUT_MAX)
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
            self._changed.wait_for(self._is_idle, timeout=grace)
            self._is_handing_back = True
        if not is_own:
            self._thread.join()

    def step(self) -> None:
        """Take every live reply one step on."""
        began = self._clock()
        self._take_in()
        self._end_what_is_due()
        self._batcher.admit()
        self._reading = spans = self._batcher.plan()
        if not spans:
            return
        self._store.make(self._batcher.take_moves())
        logits = self._model.forward(spans, self._store)  # [speaking, vocabulary]
        self._batcher.stored(spans)
        last = [span for span in spans if span.is_last]
        speaking = [span.sequence for span in last]
        samplers = [run.sampler for run in speaking]
        tokens = choose(logits, samplers, self._store.history(last))
        for run, token in zip(speaking, tokens, strict=True):
            with self._guarding(run):
                run.take(token)
        self._let_go()
        self._meter.add(self._clock() - began, spans, new_tokens=len(speaking))
        self.steps += 1

    def _loop(self) -> None:
        while self._wait_for_work():
            try:
                self.step()
            except BaseException as error:
                self._recover(error)

    def _wait_for_work(self) -> bool:
        """Block until there is a run; False once the engine is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closing or not self._is_idle())
            return not self._is_idle()

    def _is_idle(self) -> bool:
        return not (self._inbox or self._batcher.live or self._batcher.waiting)

    def _take_in(self) -> None:
        with self._changed:
            self._batcher.waiting.extend(self._inbox)
            self._inbox.clear()

    def _end_what_is_due(self) -> None:
        now = self._clock()
        for run in (*self._batcher.live, *self._batcher.waiting):
            if self._is_handing_back or run.is_due(now):
                with self._guarding(run):
                    run.end_as_due(is_handed_back=self._is_handing_back)
        self._let_go()

    @contextmanager
    def _guarding(self, run: Generation) -> Iterator[None]:
        """A fault in what is done to a run ends that run alone."""
        try:
            yield
        except BaseException as error:
            log.warning("a reply failed in the engine: %s", describe(error))
            try:
                run.fail(error)
            except BaseException as fault:
                log.error("a listener failed at its end: %s", describe(fault))

    def _let_go(self) -> None:
        """Free the rows of those that ended."""
        for run in (*self._batcher.live, *self._batcher.waiting):
            if run.is_over:
                self._batcher.leave(run)
        with self._changed:
            if self._is_idle():
                self._changed.notify_all()

    def _recover(self, error: BaseException) -> None:
        """After a fault of the whole engine: build it anew, and read again.

        Those it happened to are read one at a time from then on, until it is clear who
        is to blame. Nobody loses what was written.
        """
        log.error("a step of the engine failed: %s", describe(error))
        blamed = [span.sequence for span in self._reading] or [*self._batcher.live]
        for run in blamed or [*self._batcher.waiting]:
            with self._guarding(run):
                run.suspect(error)
        self._reading = []
        self._batcher.forget_rows()
        self._let_go()
        try:
            # The old store goes before the new one comes: memory may be what lacks. The
            # frames in which the fault arose hold it too.
            traceback.clear_frames(error.__traceback__)
            del self._store
            self._store = self._new_store()
        except BaseException as fault:
            self._give_up(fault)

    def _new_store(self) -> Store:
        return self._model.new_store(self._batcher.rows, self._speaker.context_tokens)

    def _give_up(self, error: BaseException) -> None:
        """Nothing can be run here any more: others may answer what is left."""
        log.critical("the engine cannot be rebuilt: %s", describe(error))
        with self._changed:
            self._is_closing = self._is_handing_back = True
        self._take_in()
        self._end_what_is_due()
        self._on_broken()
