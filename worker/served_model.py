"""One model that a worker process serves: loaded, announced, watched, drained.

Nothing here imports torch: the engine does, when it is opened.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from django.conf import settings

from chatsite import wire
from chatsite.catalog import ModelEntry
from chatsite.mailbox import open_mailbox
from chatsite.mailbox.workers import AnnouncementAnswer
from worker.engine.factory import open_engine
from worker.engine.interface import Engine
from worker.engine.openmp import wait_passively
from worker.heartbeat import Heartbeat, lasting_name
from worker.orders import OrderFollower
from worker.serving import ReplyServer
from worker.watchdog import Watchdog

log = logging.getLogger(__name__)

#: Part of the grace time that is reserved for handing back and for leaving.
LEAVING_SECONDS = 1.5
#: Longer than a launcher waits between two starts of a worker that cannot load.
BROKEN_SECONDS = 660


@dataclass(frozen=True, slots=True)
class ProcessCalls:
    """What a model asks of the process that serves it."""

    #: Makes the Celery consumer connect again.
    reconnect: Callable[[], None]
    #: Ends the process in good order, to be started again.
    leave: Callable[[], None]
    #: Ends it for good, as an operator asked.
    end_for_good: Callable[[], None]


class ServedModel:
    """What one worker process holds of one model, from its start to its end."""

    server: ReplyServer

    def __init__(
        self, entry: ModelEntry, worker: str, started_at: float, process: ProcessCalls
    ) -> None:
        """``worker``: the name of the process, which began at ``started_at``."""
        self.entry = entry
        self._worker = worker
        self._started_at = started_at
        self._process = process
        self._stage = wire.Stage.LOADING
        self._progress: float | None = None
        #: What is being done about the model, as the log says it.
        self._step = ""
        self._orders: OrderFollower | None = None
        self._is_announced = False

    @property
    def queue(self) -> str:
        """The name of the queue with its bells."""
        return wire.queue_name(self.entry.name)

    def start(self) -> None:
        """Load the model and begin to serve; announced from the beginning."""
        self._heartbeat = Heartbeat(open_mailbox(), self._announcement, self._obey)
        self._is_announced = True
        engine = self._open_engine()
        self.server = ReplyServer(
            engine,
            open_mailbox(),
            self._worker,
            lease_seconds=settings.LEASE_SECONDS,
            flush_seconds=settings.WORKER_FLUSH_SECONDS,
            on_change=self._heartbeat.beat_soon,
            max_faults=settings.MAX_FAULTS,
        )
        self._watchdog = Watchdog(
            self.server.activity,
            self.server.waiting,
            stall_seconds=settings.WORKER_STALL_SECONDS,
            reconnect=self._process.reconnect,
            leave=self._process.leave,
        )
        self._orders = OrderFollower(self.server, self._process.end_for_good)
        self._stage = wire.Stage.READY
        self._heartbeat.withdraw(self._broken())
        self._heartbeat.beat()
        announced = self.server.announcement()
        log.info("serving %s %s", announced.label, announced.computation)

    def tell_broken(self, reason: str) -> None:
        """Announce that the model cannot be loaded, beyond the end of this process."""
        if self._is_announced:
            self._heartbeat.end_with(self._broken(reason), BROKEN_SECONDS)

    def drain(self) -> None:
        """Finish or hand back the live replies within the grace time."""
        if self._stage is wire.Stage.READY:
            self._stage = wire.Stage.DRAINING
            # The grace time includes handing back and leaving.
            grace = settings.WORKER_GRACE_SECONDS
            self.server.drain(max(grace - LEAVING_SECONDS, grace / 2))

    def end(self) -> None:
        """End all threads and withdraw the announcement."""
        self._watchdog.close()
        self.server.close()
        self._heartbeat.close()

    def _obey(self, answer: AnnouncementAnswer) -> None:
        """Do what an operator asks, once there is a model to serve."""
        if self._orders is not None:
            self._orders.follow(answer)

    def _open_engine(self) -> Engine:
        wait_passively()
        folder = self._model_folder()
        self._stage, self._progress = wire.Stage.LOADING, None
        return open_engine(
            self.entry,
            folder,
            rows=settings.WORKER_SLOTS,
            remote_rows_max=settings.REMOTE_ROWS_MAX,
            memory_mb=settings.WORKER_MEMORY_MB,
            workers=settings.WORKERS,
            prefill_tokens=settings.WORKER_PREFILL_TOKENS,
            step_factor=settings.WORKER_STEP_FACTOR,
            prompt_lookup=settings.WORKER_PROMPT_LOOKUP,
            device=settings.WORKER_DEVICE,
            threads=settings.WORKER_THREADS,
            precision=settings.WORKER_PRECISION,
            data_dir=settings.DATA_DIR,
            on_broken=self._process.leave,
            on_change=self._on_engine_change,
            on_step=self._on_step,
        )

    def _model_folder(self) -> Path | None:
        """Return the folder of the model, fetched first if it is not here yet."""
        if self.entry.source is None:
            return None
        # Imported late: a worker of remote models needs no weights.
        from worker.weights.fetch import fetch

        return fetch(self.entry, settings.DATA_DIR, self._on_progress)

    def _on_progress(self, fraction: float | None, note: str) -> None:
        self._stage, self._progress = wire.Stage.FETCHING, fraction
        self._on_step(note)

    def _on_step(self, step: str) -> None:
        """Log and announce what is being done now."""
        if step != self._step:
            self._step = step
            log.info("%s", step)
            self._heartbeat.beat_soon()

    def _on_engine_change(self) -> None:
        """Take what waits, or announce that this worker takes nothing."""
        if self._stage is wire.Stage.READY:
            self.server.note_engine()

    def _broken(self, reason: str = "") -> wire.Announcement:
        """Return the announcement that stays until this worker serves again."""
        return wire.Announcement(
            worker=lasting_name(self._worker),
            model=self.entry.name,
            label=self.entry.label,
            stage=wire.Stage.BROKEN,
            step=reason,
            host=socket.gethostname(),
        )

    def _announcement(self) -> wire.Announcement:
        if self._stage in (wire.Stage.READY, wire.Stage.DRAINING):
            said = self.server.announcement()
        else:
            said = wire.Announcement(
                worker=self._worker,
                model=self.entry.name,
                label=self.entry.label,
                stage=self._stage,
                progress=self._progress,
                step=self._step,
            )
        return replace(
            said,
            host=socket.gethostname(),
            started_at=self._started_at,
            takes_orders=True,
        )
