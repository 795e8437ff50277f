"""Real processes for the tests: started, watched, ended by their own id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from launch.die_with_parent import PARENT
from tests import log_leaks

ROOT = Path(__file__).resolve().parent.parent
#: How many times as long as a test says things may take: a machine may be busy. Only
#: what never comes is waited for so long.
PATIENCE = 3
BOUND = (sys.executable, str(ROOT / "launch" / "die_with_parent.py"), "KILL")


def free_port() -> int:
    """A port on which nobody listens just now."""
    with socket.create_server(("127.0.0.1", 0)) as trial:
        return int(trial.getsockname()[1])


class Program:
    """One child process in a group of its own, with its output in a file.

    It ends with the tests, also where a time limit kills those.
    """

    def __init__(
        self, *arguments: str, folder: Path = ROOT, **environment: str
    ) -> None:
        self.output = Path(tempfile.mkstemp(prefix="chatsite-log-")[1])
        with self.output.open("wb") as log:
            self.process = subprocess.Popen(
                [*BOUND, sys.executable, *arguments],
                cwd=folder,
                env={**os.environ, PARENT: str(os.getpid()), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    @property
    def log(self) -> str:
        return self.output.read_text(errors="replace")

    def terminate(self, seconds: float = 30) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(seconds)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.is_alive:
            self.kill()
        if error is None:
            log_leaks.assert_no_leak(self.log)
        else:
            sys.stderr.write(f"--- {self.process.args}\n{self.log[-6000:]}\n")
        self.output.unlink()


def celery_worker(**environment: str) -> Program:
    """A worker as people start it, on the queue of ``CHAT_MODEL``."""
    return Program(
        *("-m", "celery", "-A", "chatsite", "worker"),
        *("--loglevel", "info", "--without-gossip", "--without-mingle"),
        **environment,
    )
