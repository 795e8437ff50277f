"""The Celery task that answers a bell, and the life of the worker process around it.

The worker announces itself, loads its models, and only then takes the first bell.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Iterable, Mapping
from logging.config import dictConfig
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
from kombu import Queue

from chatsite import wire
from chatsite.catalog import CatalogError, ModelEntry
from chatsite.model_choice import configured_model, current_catalog, served_entries
from chatsite.startup import (
    ENDED_STATUS,
    LACKING_STATUS,
    REFUSED_STATUS,
    UNLOADABLE_STATUS,
)
from worker.celery_consumer import BellConsumer
from worker.engine.interface import KeyMissing, ModelUnavailable
from worker.heartbeat import new_worker_name
from worker.model_folder import FetchError
from worker.served_model import ProcessCalls, ServedModel

log = logging.getLogger(__name__)

REASON_LETTERS = 300
WHAT_CHOOSES = "(CHAT_MODEL and WORKER_DEVICE choose what it serves, and on what.)"


@shared_task(name=wire.GENERATE, bind=True)
def generate(task: Any) -> None:
    """Answer the first reply in line. The message itself carries no data."""
    try:
        process.model_of(task.request.delivery_info).server.answer_next()
    except BaseException:
        # An exception that left the task would end this thread of the pool.
        log.exception("a bell could not be answered")


class WorkerProcess:
    """The models that one worker process serves, from its start to its end."""

    def __init__(self) -> None:
        """Create the process without models; see ``choose_models`` and ``start``."""
        #: The one under which the log, the page and ``make status`` know it.
        self.name = new_worker_name(f"worker@{socket.gethostname()}")
        #: By the names of their queues.
        self._models: dict[str, ServedModel] = {}
        self._consumer: BellConsumer | None = None
        self._started_at = round(time.time(), 3)
        #: Whether an operator has ended this worker.
        self.is_ended = False

    @property
    def rows(self) -> int:
        """How many replies it writes at once."""
        return sum(model.server.engine.rows for model in self._models.values())

    def choose_models(self) -> list[str]:
        """Choose what this process serves until its end; return the queues.

        Raises ``CatalogError``.
        """
        if not configured_model():
            # Imported late: a worker of remote models needs no weights.
            from worker.weights.fallback import ensure_chosen
            from worker.weights.hub import Hub

            ensure_chosen(settings.DATA_DIR, current_catalog(), Hub.from_environment())
        entries = served_entries()
        if len(entries) > 1 and any(entry.remote is None for entry in entries):
            raise CatalogError(
                "one worker process holds one model with weights: start a process for "
                "each, as make run and make worker do."
            )
        hide_keys(entries)
        calls = ProcessCalls(self._reconnect, leave, self._end_for_good)
        models = [ServedModel(e, self.name, self._started_at, calls) for e in entries]
        self._models = {model.queue: model for model in models}
        return list(self._models)

    def model_of(self, delivery_info: Mapping[str, Any]) -> ServedModel:
        """Return the model for whose queue a bell rang."""
        rung = self._models.get(str(delivery_info.get("routing_key")))
        return rung or next(iter(self._models.values()))

    def start(self) -> None:
        """Load the models and begin to serve; announced from the beginning."""
        for model in self._models.values():
            model.start()

    def tell_broken(self, reason: str) -> None:
        """Announce why this process cannot serve; it ends then."""
        for model in self._models.values():
            model.tell_broken(reason)

    def drain(self) -> None:
        """Finish or hand back the live replies within the grace time."""
        for model in self._models.values():
            Thread(target=model.drain, name="drain").start()

    def end(self) -> None:
        """End all threads and withdraw the announcements."""
        for model in self._models.values():
            model.end()

    def set_consumer(self, consumer: BellConsumer) -> None:
        """Set the Celery consumer, which the watchdog may tell to reconnect."""
        self._consumer = consumer

    def _end_for_good(self) -> None:
        self.is_ended = True
        leave()

    def _reconnect(self) -> None:
        if self._consumer is not None:
            self._consumer.reconnect()


def hide_keys(entries: Iterable[ModelEntry]) -> None:
    """Keep the keys of models' servers out of the log, whatever writes it."""
    variables = {entry.remote.key_variable for entry in entries if entry.remote}
    keys = {os.environ.get(name, "").strip() for name in variables - {""}}
    settings.LOGGING["formatters"]["line"]["secrets"] += sorted(keys)


def leave() -> None:
    """End this worker as SIGTERM does; its supervisor starts another one."""
    os.kill(os.getpid(), signal.SIGTERM)


process = WorkerProcess()


@celeryd_init.connect
def choose_queues(conf: Settings, instance: Any, **_: Any) -> None:
    """Choose the models before Celery decides which queues to consume."""
    instance.hostname = process.name = new_worker_name(instance.hostname)
    if settings.LOG_FORMAT == "json":
        _write_nothing_but_json(instance)
    # Celery replaces this handler when it is ready. A worker that is told to end while
    # it loads has nothing to hand back.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        queues = process.choose_models()
    except CatalogError as error:
        print(f"CHAT_MODEL, CHAT_MODELS, CHAT_CATALOG: {error}", file=sys.stderr)
        sys.exit(REFUSED_STATUS)
    conf.task_default_queue = queues[0]
    conf.task_queues = [Queue(name, routing_key=name) for name in queues]


def _write_nothing_but_json(worker: Any) -> None:
    """Begin to log, and silence what Celery writes beside the log."""
    dictConfig(settings.LOGGING)
    logging.captureWarnings(capture=True)
    worker.quiet = True  # no banner
    # On which signal it ends.
    setattr(celery.apps.worker, "safe_say", lambda *_: None)  # noqa: B010


@worker_init.connect
def start(sender: Any, **_: Any) -> None:
    """Load the model before Celery takes a message, or end with the reason."""
    dictConfig(settings.LOGGING)
    try:
        process.start()
    except Exception as error:
        # Celery would log an error of a signal handler and continue.
        if not isinstance(error, FetchError | ModelUnavailable):
            log.exception("the model cannot be loaded")
        reason = reason_of(error)
        process.tell_broken(reason)
        # One that names a setting says itself what to do.
        advice = "" if "WORKER_" in reason else f" {WHAT_CHOOSES}"
        print(f"This worker cannot serve: {reason}{advice}", file=sys.stderr)
        sys.exit(_status_after(error))
    # Each reply occupies a thread; the server of a model may allow more than was set.
    sender.concurrency = max(sender.concurrency, process.rows)


def reason_of(error: Exception) -> str:
    """Return in one line why a model cannot be loaded."""
    if isinstance(error, FetchError | ModelUnavailable):
        return str(error)
    # torch raises a RuntimeError.
    if isinstance(error, MemoryError) or "allocate" in str(error):
        return "this machine has too little free memory for the model."
    what = " ".join(str(error).split())[:REASON_LETTERS]
    return f"the model cannot be loaded ({type(error).__name__}: {what})."


def _status_after(error: Exception) -> int:
    if isinstance(error, KeyMissing):
        return LACKING_STATUS
    # Another try does not make a model fit for this machine.
    is_refused = isinstance(error, ModelUnavailable)
    return REFUSED_STATUS if is_refused else UNLOADABLE_STATUS


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
