"""Runs a program that ends with all that it started, if this one is told to end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

GRACE_SECONDS = 2

Command = Sequence[str | Path]


@contextmanager
def started(command: Command, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """The running program, in a group of its own. ``venv`` and ``pip`` start others."""
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
    """As ``subprocess.run`` with text. Raises ``subprocess.TimeoutExpired``."""
    with started(command, **options) as process:
        out, errors = process.communicate(timeout=timeout)
    return subprocess.CompletedProcess(command, process.returncode, out, errors)


def _end_group(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_SECONDS)
    with suppress(ProcessLookupError):  # Also what its first process left behind.
        os.killpg(process.pid, signal.SIGKILL)
