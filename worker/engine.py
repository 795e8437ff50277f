"""The engine that runs a causal language model: one loop, in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from chatsite.catalog import Entry
from chatsite.wire import Outcome, Request
from worker.generation import Generation, Speaker, describe
from worker.model import LanguageModel
from worker.protocol import About, EngineClosed, Listener, Pace
from worker.transcript import layout_for

log = logging.getLogger(__name__)

#: A step reads at most this much of a prompt, so that stops are heard in between.
PREFILL_TOKENS = 256
#: How many steps back the pace looks.
PACE_STEPS = 200


class TransformersEngine:
    """Implements ``worker.protocol.Engine`` for one model.

    Live runs take turns, one step each; the step of one run is a chunk of its prompt
    or one new token. A fault ends the run it happened in and no other.
    """

    def __init__(
        self,
        model: LanguageModel,
        entry: Entry,
        *,
        rows: int = 1,
        prefill_tokens: int = PREFILL_TOKENS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``clock``: seconds, from any start, never going back."""
        self.rows = rows
        self.about = About(entry.name, entry.label, entry.revision, str(model.device))
        context_tokens = min(model.context_tokens, entry.context_tokens)
        self._speaker = Speaker(
            model=model,
            layout=layout_for(model.tokenizer, entry.template, context_tokens),
            stop=entry.stop,
            context_tokens=context_tokens,
        )
        self._prefill_tokens = prefill_tokens
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: deque[Generation] = deque()
        self._live: list[Generation] = []
        self._is_closing = False
        self._is_handing_back = False
        #: Durations in seconds and new tokens of the latest steps.
        self._pace: deque[tuple[float, int]] = deque(maxlen=PACE_STEPS)
        #: Steps so far, for a watchdog: grows while anything is live.
        self.steps = 0
        self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)
        self._thread.start()

    def submit(self, request: Request, listener: Listener) -> Generation:
        run = Generation(request, listener, self._clock())
        with self._changed:
            if self._is_closing:
                raise EngineClosed("the engine is closing")
            self._waiting.append(run)
            self._changed.notify_all()
        return run

    def pace(self) -> Pace:
        with self._changed:
            seconds = sum(duration for duration, _ in self._pace)
            tokens = sum(count for _, count in self._pace)
            return Pace(tokens / seconds if seconds else 0.0, len(self._live))

    def close(self, grace_seconds: float) -> None:
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
            self._changed.wait_for(self._is_idle, timeout=max(0.0, grace_seconds))
            self._is_handing_back = True
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _loop(self) -> None:
        while self._wait_for_work():
            try:
                self.step()
            except BaseException as error:
                # No single run is to blame, so none of the live ones can go on.
                log.error("a step of the engine failed: %s", describe(error))
                for run in self._live:
                    _fail(run, error)
                self._forget_ended()

    def _wait_for_work(self) -> bool:
        """Block until there is a run; False once the engine is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closing or not self._is_idle())
            return not self._is_idle()

    def step(self) -> None:
        """End what is due, let in what has room, take every live run one step on."""
        began = self._clock()
        with self._changed:
            runs = (*self._live, *self._waiting)
        self._guard_each(runs, self._end_if_due)
        self._forget_ended()
        self._guard_each(self._admitted(), lambda run: run.begin(self._speaker))
        tokens_before = sum(len(run.new_ids) for run in self._live)
        self._guard_each(self._live, self._advance)
        new_tokens = sum(len(run.new_ids) for run in self._live) - tokens_before
        with self._changed:
            self._pace.append((self._clock() - began, new_tokens))
        self.steps += 1
        self._forget_ended()

    def _end_if_due(self, run: Generation) -> None:
        if self._is_handing_back:
            run.end(Outcome.HANDED_BACK)
        run.end_if_due(self._clock())

    def _admitted(self) -> list[Generation]:
        """Move those who waited longest into the free rows."""
        with self._changed:
            count = min(self.rows - len(self._live), len(self._waiting))
            runs = [self._waiting.popleft() for _ in range(count)]
            self._live.extend(runs)
        return runs

    def _advance(self, run: Generation) -> None:
        if not run.is_over:
            run.advance(self._speaker.model, self._prefill_tokens)

    def _guard_each(
        self, runs: Sequence[Generation], action: Callable[[Generation], object]
    ) -> None:
        """Do something to every run; a fault in one ends that one alone."""
        for run in runs:
            try:
                action(run)
            except BaseException as error:
                log.warning("a reply failed in the engine: %s", describe(error))
                _fail(run, error)

    def _forget_ended(self) -> None:
        with self._changed:
            self._live = [run for run in self._live if not run.is_over]
            self._waiting = deque(run for run in self._waiting if not run.is_over)
            if self._is_idle():
                self._changed.notify_all()

    def _is_idle(self) -> bool:
        return not self._live and not self._waiting


def _fail(run: Generation, error: BaseException) -> None:
    try:
        run.fail(error)
    except BaseException as fault:
        log.error("a listener failed at its end: %s", describe(fault))
