"""Programs forked from a process that has imported what all of them import.

A worker started this way is ready in a third of a second. It is a process of its own,
which reads its settings from its own environment and runs Celery's command line; the
tests that start ``celery_worker`` prove that the same works from an empty process.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from subprocess import TimeoutExpired

from launch.die_with_parent import die_with_parent, watch_parent
from tests.processes import Program
from worker.engine import scripted
from worker.engine.scripted import DEFAULT_DELAY_SECONDS

#: What a worker imports, as far as it does not read the settings.
PRELOADED = (
    __name__,
    *("celery.app.amqp", "celery.app.events", "celery.app.log"),
    *("celery.apps.worker", "celery.backends.base", "celery.bin.celery"),
    *("celery.concurrency.thread", "celery.worker.autoscale"),
    *("celery.worker.components", "celery.worker.consumer", "celery.worker.strategy"),
    *("kombu.transport.redis", "django.utils.log"),
    *("huggingface_hub.hf_api", "huggingface_hub._snapshot_download", "truststore"),
    *("chatsite.catalog", "chatsite.logs", "chatsite.mailbox"),
    *("chatsite.settings_table"),
)
_processes = get_context("forkserver")
_processes.set_forkserver_preload(list(PRELOADED))


class ForkedProcess:
    """A process of ``multiprocessing``, used like one of ``subprocess``."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: dict[str, str],
        log: Path,
        pace_seconds: float,
    ) -> None:
        self.args = arguments
        # A daemon ends with the tests.
        self._process = _processes.Process(
            target=_run, args=(arguments, environment, log, pace_seconds), daemon=True
        )
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, seconds: float | None = None) -> int:
        self._process.join(seconds)
        if self._process.exitcode is None:
            assert seconds is not None
            raise TimeoutExpired(list(self.args), seconds)
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


class ForkedProgram(Program):
    """A program that is given as a module and its arguments."""

    process: ForkedProcess  # type: ignore[assignment]

    def __init__(
        self,
        *arguments: str,
        pace_seconds: float = DEFAULT_DELAY_SECONDS,
        **environment: str,
    ) -> None:
        """``pace_seconds``: before each word of a scripted reply to a prompt that does
        not say how long."""
        self.output = Path(tempfile.mkstemp(prefix="chatsite-log-")[1])
        environment = {**os.environ, **environment}
        self.process = ForkedProcess(arguments, environment, self.output, pace_seconds)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def forked_worker(
    pace_seconds: float = DEFAULT_DELAY_SECONDS, **environment: str
) -> ForkedProgram:
    """A worker on the queue of ``CHAT_MODEL``."""
    return ForkedProgram(
        *("celery", "-A", "chatsite", "worker"),
        *("--loglevel", "info", "--without-gossip", "--without-mingle"),
        pace_seconds=pace_seconds,
        **environment,
    )


def _run(
    arguments: Sequence[str],
    environment: dict[str, str],
    log: Path,
    pace_seconds: float,
) -> None:
    """Become the program, in a group and with an output of its own."""
    os.setsid()
    if sys.platform == "linux":
        die_with_parent(signal.SIGKILL, os.getppid())
    else:
        watch_parent(signal.SIGKILL, os.getppid())
    file = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.environ.clear()
    os.environ.update(environment)
    scripted.DEFAULT_DELAY_SECONDS = pace_seconds
    sys.argv = list(arguments)
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
