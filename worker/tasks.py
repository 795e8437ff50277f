"""The Celery task that answers a bell, and the life of the worker process around it.

The worker announces itself, loads the model, and only then takes the first bell.
Nothing here imports torch: the engine does, when it is opened.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from dataclasses import replace
from logging.config import dictConfig
from pathlib import Path
from threading import Thread
from typing import Any

import celery.apps.worker
from celery import shared_task
from celery.app.utils import Settings
from celery.signals import (
    celeryd_init,
    worker_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from django.conf import settings

from chatsite import wire
from chatsite.catalog import CatalogError, ModelEntry
from chatsite.mailbox import open_mailbox
from chatsite.mailbox.workers import AnnouncementAnswer
from chatsite.model_choice import current_catalog, model_entry
from chatsite.startup import ENDED_STATUS, REFUSED_STATUS
from worker.celery_consumer import BellConsumer
from worker.engine.factory import open_engine
from worker.engine.interface import Engine, ModelUnavailable
from worker.engine.openmp import wait_passively
from worker.heartbeat import Heartbeat, new_worker_name
from worker.model_folder import FetchError
from worker.orders import OrderFollower
from worker.serving import ReplyServer
from worker.watchdog import Watchdog

log = logging.getLogger(__name__)

#: Part of the grace time that is reserved for handing back and for leaving.
LEAVING_SECONDS = 1.5
WHAT_CHOOSES = "(CHAT_MODEL and WORKER_DEVICE choose what it serves, and on what.)"


@shared_task(name=wire.GENERATE)
def generate() -> None:
    """Answer the first reply in line. The message itself carries no data."""
    try:
        process.server.answer_next()
    except BaseException:
        # An exception that left the task would end this thread of the pool.
        log.exception("a bell could not be answered")


class WorkerProcess:
    """What one worker process holds, from its start to its end."""

    server: ReplyServer

    def __init__(self) -> None:
        """Create the process without a model; see ``choose_model`` and ``start``."""
        #: The one under which the log, the page and ``make status`` know it.
        self.name = new_worker_name(f"worker@{socket.gethostname()}")
        self._stage = wire.Stage.LOADING
        self._progress: float | None = None
        #: What is being done about the model, as the log says it.
        self._step = ""
        self._consumer: BellConsumer | None = None
        self._started_at = round(time.time(), 3)
        self._orders: OrderFollower | None = None
        #: Whether an operator has ended this worker.
        self.is_ended = False

    def choose_model(self) -> ModelEntry:
        """Return the model that this process serves until its end."""
        if not settings.CHAT_MODEL:
            # Imported late, as below: a worker of remote models needs no weights.
            from worker.weights.fallback import ensure_chosen
            from worker.weights.hub import Hub

            ensure_chosen(settings.DATA_DIR, current_catalog(), Hub.from_environment())
        self._entry = model_entry()
        return self._entry

    def start(self) -> None:
        """Load the model and begin to serve; announced from the beginning."""
        self._heartbeat = Heartbeat(open_mailbox(), self._announcement, self._obey)
        engine = self._open_engine()
        self.server = ReplyServer(
            engine,
            open_mailbox(),
            self.name,
            lease_seconds=settings.LEASE_SECONDS,
            flush_seconds=settings.WORKER_FLUSH_SECONDS,
            on_change=self._heartbeat.beat_soon,
            max_faults=settings.MAX_FAULTS,
        )
        self._watchdog = Watchdog(
            self.server.activity,
            self.server.waiting,
            stall_seconds=settings.WORKER_STALL_SECONDS,
            reconnect=self._reconnect,
            leave=leave,
        )
        self._orders = OrderFollower(self.server, self._end_for_good)
        self._stage = wire.Stage.READY
        self._heartbeat.beat()
        announced = self.server.announcement()
        log.info("serving %s %s", announced.label, announced.computation)

    def drain(self) -> None:
        """Finish or hand back the live replies within the grace time."""
        if self._stage is wire.Stage.READY:
            self._stage = wire.Stage.DRAINING
            # The grace time includes handing back and leaving.
            grace = settings.WORKER_GRACE_SECONDS
            writing = max(grace - LEAVING_SECONDS, grace / 2)
            Thread(target=self.server.drain, args=[writing], name="drain").start()

    def end(self) -> None:
        """End all threads and withdraw the announcement."""
        self._watchdog.close()
        self.server.close()
        self._heartbeat.close()

    def _obey(self, answer: AnnouncementAnswer) -> None:
        """Do what an operator asks, once there is a model to serve."""
        if self._orders is not None:
            self._orders.follow(answer)

    def _end_for_good(self) -> None:
        self.is_ended = True
        leave()

    def set_consumer(self, consumer: BellConsumer) -> None:
        """Set the Celery consumer, which the watchdog may tell to reconnect."""
        self._consumer = consumer

    def _reconnect(self) -> None:
        if self._consumer is not None:
            self._consumer.reconnect()

    def _open_engine(self) -> Engine:
        wait_passively()
        folder = self._model_folder()
        self._stage, self._progress = wire.Stage.LOADING, None
        return open_engine(
            self._entry,
            folder,
            rows=settings.WORKER_SLOTS,
            memory_mb=settings.WORKER_MEMORY_MB,
            workers=settings.WORKERS,
            prefill_tokens=settings.WORKER_PREFILL_TOKENS,
            step_factor=settings.WORKER_STEP_FACTOR,
            prompt_lookup=settings.WORKER_PROMPT_LOOKUP,
            device=settings.WORKER_DEVICE,
            threads=settings.WORKER_THREADS,
            precision=settings.WORKER_PRECISION,
            data_dir=settings.DATA_DIR,
            on_broken=leave,
            on_change=self._on_engine_change,
            on_step=self._on_step,
        )

    def _model_folder(self) -> Path | None:
        """Return the folder of the model, fetched first if it is not here yet."""
        if self._entry.source is None:
            return None
        from worker.weights.fetch import fetch

        return fetch(self._entry, settings.DATA_DIR, self._on_progress)

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

    def _announcement(self) -> wire.Announcement:
        if self._stage in (wire.Stage.READY, wire.Stage.DRAINING):
            said = self.server.announcement()
        else:
            said = wire.Announcement(
                worker=self.name,
                model=self._entry.name,
                label=self._entry.label,
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


def leave() -> None:
    """End this worker as SIGTERM does; its supervisor starts another one."""
    os.kill(os.getpid(), signal.SIGTERM)


process = WorkerProcess()


@celeryd_init.connect
def choose_queue(conf: Settings, instance: Any, **_: Any) -> None:
    """Choose the model before Celery decides which queues to consume."""
    instance.hostname = process.name = new_worker_name(instance.hostname)
    if settings.LOG_FORMAT == "json":
        _write_nothing_but_json(instance)
    # Celery replaces this handler when it is ready. A worker that is told to end while
    # it loads has nothing to hand back.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        conf.task_default_queue = wire.queue_name(process.choose_model().name)
    except CatalogError as error:
        print(f"CHAT_MODEL, CHAT_CATALOG: {error}", file=sys.stderr)
        sys.exit(REFUSED_STATUS)


def _write_nothing_but_json(worker: Any) -> None:
    """Begin to log, and silence what Celery writes beside the log."""
    dictConfig(settings.LOGGING)
    logging.captureWarnings(capture=True)
    worker.quiet = True  # no banner
    # On which signal it ends.
    setattr(celery.apps.worker, "safe_say", lambda *_: None)  # noqa: B010


@worker_init.connect
def start(**_: Any) -> None:
    """Load the model before Celery takes a message, or end with the reason."""
    dictConfig(settings.LOGGING)
    try:
        process.start()
    except (FetchError, ModelUnavailable) as error:
        # One that names a setting says itself what to do.
        advice = "" if "WORKER_" in str(error) else f" {WHAT_CHOOSES}"
        print(f"This worker cannot serve: {error}{advice}", file=sys.stderr)
        # Another try may fetch a model, but it does not make one fit for this machine.
        sys.exit(1 if isinstance(error, FetchError) else REFUSED_STATUS)
    except Exception:
        # Celery would log an error of a signal handler and continue.
        log.exception("this worker cannot serve")
        sys.exit(1)


@worker_ready.connect
def keep_consumer(sender: BellConsumer, **_: Any) -> None:
    """Keep the consumer, now that it is ready."""
    process.set_consumer(sender)


@worker_shutting_down.connect
def drain(**_: Any) -> None:
    """Drain when Celery is told to end."""
    process.drain()


@worker_shutdown.connect
def end(sender: Any, **_: Any) -> None:
    """End the worker's threads after the last task.

    The exit status of a worker that an operator ended says so to its supervisor.
    """
    process.end()
    if process.is_ended:
        sender.exitcode = ENDED_STATUS
