"""The receiving end of the bell, and the life of a worker process around it.

The model is loaded before the first bell is taken, and announced from before that.
Nothing here imports torch: the engine does, when it is opened.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from logging.config import dictConfig
from pathlib import Path
from threading import Thread
from typing import Any

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
from chatsite.model_choice import current_catalog, model_entry
from chatsite.startup import REFUSED_STATUS
from worker.celery_consumer import BellConsumer
from worker.engine.factory import open_engine
from worker.engine.interface import Engine, ModelUnavailable
from worker.heartbeat import Herald, fresh_name
from worker.serving import Server
from worker.watchdog import Watchdog
from worker.weights.fallback import settle
from worker.weights.fetch import FetchError, fetch
from worker.weights.hub import Hub

log = logging.getLogger(__name__)

#: Of the grace time, this much is kept for handing back and for leaving.
LEAVING_SECONDS = 1.5


@shared_task(name=wire.GENERATE)
def generate() -> None:
    """Answer whoever is first in line. The message itself says nothing."""
    try:
        process.server.answer_next()
    except BaseException:
        # Anything that left a task body would cost this thread for good.
        log.exception("a bell was answered in vain")


class Process:
    """What one worker process holds, from its start to its end."""

    server: Server

    def __init__(self) -> None:
        self._name = fresh_name()
        self._stage = wire.Stage.LOADING
        self._progress: float | None = None
        self._consumer: BellConsumer | None = None

    def choose(self) -> ModelEntry:
        """Settle, once and for all, which model this process serves."""
        hub = Hub.from_environment()
        settle(settings.DATA_DIR, settings.CHAT_MODEL, current_catalog(), hub)
        self._entry = model_entry()
        return self._entry

    def start(self) -> None:
        """Load the model and begin to serve; announced all the while."""
        self._herald = Herald(open_mailbox(), self._announcement)
        engine = self._open_engine()
        self.server = Server(
            engine,
            open_mailbox(),
            self._name,
            lease_seconds=settings.LEASE_SECONDS,
            flush_seconds=settings.WORKER_FLUSH_SECONDS,
            on_change=self._herald.wake,
        )
        self._watchdog = Watchdog(
            self.server.signs,
            self.server.waiting,
            stall_seconds=settings.WORKER_STALL_SECONDS,
            listen_anew=self._listen_anew,
            leave=leave,
        )
        self._stage = wire.Stage.READY
        self._herald.speak()
        log.info("serving %s on %s", engine.about.label, engine.about.device)

    def drain(self) -> None:
        if self._stage is wire.Stage.READY:
            self._stage = wire.Stage.DRAINING
            # The grace time is for all of it, the handing back and leaving included.
            grace = settings.WORKER_GRACE_SECONDS
            writing = max(grace - LEAVING_SECONDS, grace / 2)
            Thread(target=self.server.drain, args=[writing], name="drain").start()

    def end(self) -> None:
        self._watchdog.close()
        self.server.close()
        self._herald.close()

    def listens_with(self, consumer: BellConsumer) -> None:
        """Celery is ready, and listens with this."""
        self._consumer = consumer

    def _listen_anew(self) -> None:
        if self._consumer is not None:
            self._consumer.listen_anew()

    def _open_engine(self) -> Engine:
        return open_engine(
            self._entry,
            self._folder(),
            rows=settings.WORKER_SLOTS,
            memory_mb=settings.WORKER_MEMORY_MB,
            workers=settings.WORKERS,
            prefill_tokens=settings.WORKER_PREFILL_TOKENS,
            device=settings.WORKER_DEVICE,
            threads=settings.WORKER_THREADS,
            on_broken=leave,
        )

    def _folder(self) -> Path | None:
        """The model's files, fetched first where they are not here yet."""
        if self._entry.source is None:
            return None
        return fetch(self._entry, settings.DATA_DIR, self._on_progress)

    def _on_progress(self, fraction: float | None, note: str) -> None:
        self._stage, self._progress = wire.Stage.FETCHING, fraction
        if note:
            log.info("%s", note)

    def _announcement(self) -> wire.Announcement:
        if self._stage in (wire.Stage.READY, wire.Stage.DRAINING):
            return self.server.announcement()
        return _before_serving(self._name, self._entry, self._stage, self._progress)


def _before_serving(
    name: str, entry: ModelEntry, stage: wire.Stage, progress: float | None
) -> wire.Announcement:
    return wire.Announcement(
        worker=name,
        model=entry.name,
        label=entry.label,
        stage=stage,
        progress=progress,
    )


def leave() -> None:
    """End as if told to: whoever started this worker starts another one."""
    os.kill(os.getpid(), signal.SIGTERM)


process = Process()


@celeryd_init.connect
def choose(conf: Settings, **_: Any) -> None:
    """Choose before Celery decides which queues to listen to."""
    # Until Celery listens for it: whoever is told to end while it loads has nothing
    # to hand back.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        conf.task_default_queue = wire.queue_name(process.choose().name)
    except CatalogError as error:
        print(f"CHAT_MODEL, CHAT_CATALOG: {error}", file=sys.stderr)
        sys.exit(REFUSED_STATUS)


@worker_init.connect
def start(**_: Any) -> None:
    dictConfig(settings.LOGGING)
    try:
        process.start()
    except (FetchError, ModelUnavailable) as error:
        sys.exit(
            f"This worker cannot serve: {error} "
            "(CHAT_MODEL and WORKER_DEVICE choose what it serves, and on what.)"
        )
    except Exception:
        # Celery would log what a signal handler raises and then carry on.
        log.exception("this worker cannot serve")
        sys.exit(1)


@worker_ready.connect
def listen(sender: BellConsumer, **_: Any) -> None:
    process.listens_with(sender)


@worker_shutting_down.connect
def drain(**_: Any) -> None:
    process.drain()


@worker_shutdown.connect
def end(**_: Any) -> None:
    process.end()
