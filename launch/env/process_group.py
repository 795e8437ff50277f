"""Runs an installer in a process group, which ends with this process's exceptions."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

#: Between SIGTERM and SIGKILL.
GRACE_SECONDS = 2

Command = Sequence[str | Path]


@contextmanager
def started(command: Command, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a program and, if the block raises, end it with all its children.

    ``venv`` and ``pip`` start other programs, so each gets a process group of its own.
    ``options`` are those of ``subprocess.Popen``.
    """
    with subprocess.Popen(
        command, text=True, start_new_session=True, **options
    ) as process:
        try:
            yield process
        except BaseException:
            _end_group(process)
            raise


def run(
    command: Command, timeout: float | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a program as ``subprocess.run`` does, in text mode.

    Raises ``subprocess.TimeoutExpired`` after ``timeout`` seconds.
    """
    with started(command, **options) as process:
        out, errors = process.communicate(timeout=timeout)
    return subprocess.CompletedProcess(command, process.returncode, out, errors)


def _end_group(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_SECONDS)
    with suppress(ProcessLookupError):  # The children may outlive the first process.
        os.killpg(process.pid, signal.SIGKILL)
