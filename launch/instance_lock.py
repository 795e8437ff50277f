"""Allows one start at a time in a data folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launch.errors import LaunchError

ELSEWHERE = "stop it, or choose another folder with DATA_DIR."


def is_running(run_dir: Path) -> bool:
    """Return whether a start in this folder holds its lock."""
    try:
        with (run_dir / "lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def hold_instance_lock(run_dir: Path, remedy: str = ELSEWHERE) -> Iterator[None]:
    """Hold the folder's lock. The kernel frees it however this process ends.

    Raises ``LaunchError``, which names the process that holds the lock, and the remedy.
    """
    descriptor = os.open(run_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 20).decode().strip() or "unknown"
            raise LaunchError(
                f"Already running in {run_dir.parent} as process {holder}; {remedy}"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
