"""Programs forked from a process that has imported what all of them import.

A worker started this way is ready in a third of a second. It is a process of its own,
which reads its settings from its own environment and runs Celery's command line; the
tests that start ``celery_worker`` prove that the same works from an empty process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from launch.die_with_parent import PARENT
from tests.processes import BOUND, ROOT, Program
from worker.engine.scripted_request import DEFAULT_DELAY_SECONDS


class ForkServer:
    """The process that forks; it ends with this one."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [*BOUND, sys.executable, "-m", "tests.integration.fork_server"],
            cwd=ROOT,
            env={**os.environ, PARENT: str(os.getpid())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ask(self, **order: Any) -> Any:
        """Its answer to an order, see ``tests.integration.fork_server``."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@cache
def fork_server() -> ForkServer:
    return ForkServer()


class ForkedProcess:
    """A process that was forked, used like one of ``subprocess``."""

    def __init__(self, arguments: Sequence[str], **order: Any) -> None:
        self.args = arguments
        self.returncode: int | None = None
        self.pid = int(fork_server().ask(arguments=arguments, **order))

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = fork_server().ask(pid=self.pid)
        return self.returncode

    def wait(self, seconds: float = 60) -> int:
        deadline = time.monotonic() + seconds
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(list(self.args), seconds)
            time.sleep(0.01)
        return code

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        # Its id is not given to another one before it was asked for its exit code.
        if self.poll() is None:
            os.kill(self.pid, number)


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
        self.process = ForkedProcess(
            arguments,
            environment={**os.environ, **environment},
            log=str(self.output),
            pace_seconds=pace_seconds,
        )

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
