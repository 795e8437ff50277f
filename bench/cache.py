"""Files and folders that a measurement makes once and finds the next time."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path


def made_once(target: Path, write: Callable[[Path], object]) -> Path:
    """Return ``target``, which ``write`` makes if it is missing: whole, or not at all.

    ``write`` gets the path at which to make it. Of several processes that want the
    same, one makes it and the others wait.
    """
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            partial = target.with_name(f"{target.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            write(partial)
            os.replace(partial, target)
    return target
