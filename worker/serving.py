"""Serving: claims the first reply in line, runs the engine, delivers the text."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from threading import BoundedSemaphore, Lock

from chatsite import wire
from chatsite.mailbox import Mailbox
from chatsite.tracing import span
from worker.claiming import Claiming
from worker.delivery import Delivery
from worker.engine.interface import Engine
from worker.live_replies import LiveReplies
from worker.reply_end import hand_back, send_end
from worker.reply_lengths import ReplyLengths
from worker.reply_run import run_reply
from worker.reply_threads import ReplyThreads
from worker.text_flusher import TextFlusher
from worker.watchdog import WorkerActivity

log = logging.getLogger(__name__)


class ReplyServer:
    """One engine, its rows, and the replies being written in this process.

    Each thread that calls ``answer_next`` serves one reply to a person at a time. A
    helper job has a thread of its own, so a bell for a person always finds one that is
    free. One more thread flushes the text of all of them to the mailbox.
    """

    def __init__(
        self,
        engine: Engine,
        box: Mailbox,
        name: str,
        *,
        lease_seconds: float,
        flush_seconds: float,
        on_change: Callable[[], None],
        max_faults: int = 1,
    ) -> None:
        """Begin to deliver texts, and to claim once ``answer_next`` is called.

        ``on_change`` is called when the number of free rows has changed. A reply fails
        after ``max_faults`` faults of the engine that it may have caused.
        """
        self.engine = engine
        self.name = name
        self._box = box
        self._lease_seconds = lease_seconds
        self._on_change = on_change
        self._max_faults = max_faults
        self._rows = BoundedSemaphore(engine.rows)
        self._lengths = ReplyLengths()
        self._lock = Lock()
        self._live = LiveReplies()
        #: Those that no bell started.
        self._own_threads = ReplyThreads()
        self._is_draining = False
        #: Whether an operator lets it take no more, and has paused its model.
        self._is_resting = False
        self._is_paused = False
        self._replies = self._losses = 0
        #: Bells answered so far.
        self._bells = 0
        self._flusher = TextFlusher(
            *(box, self._live), lease_seconds=lease_seconds, flush_seconds=flush_seconds
        )
        self._claiming = Claiming(
            *(engine, box, name, self._live),
            lease_seconds=lease_seconds,
            is_shut=self._is_shut,
            on_first_text=self._flusher.hurry,
        )

    def answer_next(self) -> None:
        """Claim the first reply in line and answer it, and so on until none waits.

        Returns at once if none waits: a bell is only a hint. It also returns if no row
        is free, because the process may serve other models, too; a thread that has one
        looks once more at what was rung for meanwhile.
        """
        with self._lock:
            self._bells += 1
        while self._rows.acquire(blocking=False):
            bells = self._bells
            try:
                self._answer_line()
            finally:
                self._rows.release()
            if self._bells == bells:
                return

    def _answer_line(self) -> None:
        """Answer replies to people here, and start threads for helper jobs."""
        while (delivery := self._claiming.next()) is not None:
            if delivery.claim.is_helper:
                self._start_helper(delivery)
            else:
                self._answer(delivery)

    def _start_helper(self, delivery: Delivery) -> None:
        def help_and_go_on() -> None:
            self._answer(delivery)
            self._answer_line()

        self._own_threads.start(help_and_go_on)

    def announcement(self) -> wire.Announcement:
        """Return what this worker serves, how fast, and with how much room."""
        info, throughput = self.engine.model_info, self.engine.throughput()
        pause = self.engine.pause
        tokens_per_reply, reply_spread = self._lengths.measure()
        return wire.Announcement(
            worker=self.name,
            model=info.model,
            label=info.label,
            stage=self._stage(),
            step=pause.reason if pause else "",
            device=info.device,
            revision=info.revision,
            precision=info.precision,
            threads=info.threads,
            context_tokens=info.context_tokens,
            vocabulary=info.vocabulary,
            rows=self.engine.rows,
            free=self._free_rows() + self._helpers(),
            helpers=self._helpers(),
            tokens_per_second=round(throughput.tokens_per_second, 1),
            tokens_per_reply=round(tokens_per_reply, 1),
            reply_spread=round(reply_spread, 3),
            waiting=throughput.waiting,
            prefill_share=round(throughput.prefill_share, 3),
            replies=self._replies,
            losses=self._losses,
        )

    def _stage(self) -> wire.Stage:
        """Return how far this worker is; while its model is away, it is loading."""
        if self._is_leaving():
            return wire.Stage.DRAINING
        pause = self.engine.pause
        return wire.Stage.LOADING if pause and pause.is_away else wire.Stage.READY

    def activity(self) -> WorkerActivity:
        """Return the counters that the watchdog checks."""
        return WorkerActivity(
            bells=self._bells,
            free=self._free_rows(),
            live=len(self._live),
            steps=self.engine.steps,
            is_draining=self._is_draining,
        )

    def waiting(self) -> int:
        """Return how many replies in line this worker could take.

        Raises ``MailboxAway``.
        """
        if self._is_resting or self._is_paused:
            return 0
        return self._box.waiting(self.engine.model_info.model)

    def is_idle(self) -> bool:
        """Return whether it writes no reply."""
        return not len(self._live)

    def set_resting(self, is_resting: bool) -> None:
        """Take no more replies, or take them again; those being written go on."""
        self._is_resting = is_resting
        if not is_resting:
            self._wake()
        self._on_change()

    def set_paused(self, is_paused: bool) -> None:
        """Note whether the mailbox gives no replies of this model."""
        is_over = self._is_paused and not is_paused
        self._is_paused = is_paused
        if is_over:
            self._wake()

    def note_engine(self) -> None:
        """Note that a pause of the engine began or ended. Returns at once."""
        self._wake()
        self._on_change()

    def _wake(self) -> None:
        """Take what waits without a bell: those that rang were not answered."""
        for _ in range(self._free_rows()):
            self._own_threads.start(self._answer_line)

    def drain(self, grace_seconds: float) -> None:
        """Claim no more; finish what fits into the grace time, hand back the rest."""
        with self._lock:
            self._is_draining = True
        log.info("draining: %d live replies", len(self._live))
        self.engine.close(grace_seconds)

    def close(self) -> None:
        """End the flushing thread, once the threads without a bell have ended.

        All replies to people must have ended before, and ``drain`` have been called.
        """
        self._own_threads.join()
        self._flusher.close()

    def _is_leaving(self) -> bool:
        """Return whether it takes no more replies, for good or for now."""
        return self._is_draining or self._is_resting

    def _is_shut(self) -> bool:
        """Return whether it claims nothing now, however many rows are free."""
        return self._is_leaving() or self.engine.pause is not None

    def _free_rows(self) -> int:
        if self._is_shut() or self._live.is_exclusive():
            return 0
        return max(0, self.engine.rows - len(self._live))

    def _helpers(self) -> int:
        """Return how many rows helper jobs would give to replies to people."""
        if self._is_shut():
            return 0
        people, helpers = self._live.counts()
        if self._live.is_exclusive():
            return 0 if people else self.engine.rows
        return min(helpers, self.engine.rows - people)

    def _answer(self, delivery: Delivery) -> None:
        model = self.engine.model_info.model
        with (
            delivery.logged(),
            span("generate", reply=delivery.claim.reply, model=model),
        ):
            self._answer_logged(delivery)

    def _answer_logged(self, delivery: Delivery) -> None:
        claim = delivery.claim
        log.info(
            "claimed reply %s attempt %d losses %d",
            *(claim.reply, claim.attempt, claim.losses),
        )
        self._on_change()
        try:
            run_reply(self.engine, delivery)
        finally:
            self._live.remove(delivery)
        self._deliver_end(delivery)
        self._on_change()

    def _deliver_end(self, delivery: Delivery) -> None:
        claim = delivery.claim
        ending = delivery.ending or wire.Ending(wire.Outcome.HANDED_BACK)
        log.info(
            "reply %s: %s, %d tokens %s",
            claim.reply,
            "lost" if delivery.is_lost else ending.outcome,
            ending.new_tokens,
            ending.detail,
        )
        if delivery.is_lost:
            self._losses += 1
            return
        self._replies += 1
        is_fault, closed = ending.error is not None, self._flusher.closed
        if ending.outcome is not wire.Outcome.HANDED_BACK:
            self._finish(delivery, ending)
        elif is_fault and claim.faults + 1 >= self._max_faults:
            self._finish(delivery, replace(ending, outcome=wire.Outcome.FAILED))
        else:
            hand_back(self._box, claim, closed, is_fault=is_fault)

    def _finish(self, delivery: Delivery, ending: wire.Ending) -> None:
        """Note how long the reply became, and send its end."""
        if ending.outcome is wire.Outcome.DONE:
            self._lengths.add(ending.new_tokens)
        info = self.engine.model_info
        ending = replace(ending, revision=info.revision, precision=info.precision)
        send_end(self._box, delivery, ending, self._flusher.closed)
