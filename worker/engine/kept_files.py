"""What is built, packed and measured once for a machine, as long as it is used.

Another version, model or precision leaves behind the files of the one before, packed
weights of hundreds of megabytes among them. Several workers may share the data folder,
with several models and, during an update, several versions, so none of them knows all
that is still wanted. Each notes what it uses, and removes what no worker has used for
long. A running worker loses nothing by that: its library is mapped, and its weights are
in memory of its own.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

#: Folders in the data folder, and the names of the files that belong there.
KEPT = {"native": ("engine-*.so", "*.safetensors"), "quality": ("*.json", "*.lock")}
#: Files that are being written; a process that was killed leaves them.
UNFINISHED = ("*.partial", ".*")
KEPT_SECONDS = 30 * 24 * 3600
UNFINISHED_SECONDS = 24 * 3600


def mark_used(path: Path) -> None:
    """Note that a file is used, if it is there: its modification time becomes now."""
    with suppress(OSError):
        os.utime(path)


def remove_unused(data_dir: Path) -> None:
    """Remove files that no worker has used for 30 days, and unfinished ones of a day.

    A file that cannot be removed stays. Processes may call this at once, also beside
    one that starts: a file that is missing is made again.
    """
    now = time.time()
    for folder, patterns in KEPT.items():
        for path in _files(data_dir / folder, UNFINISHED):
            _remove(path, now - UNFINISHED_SECONDS)
        for path in _files(data_dir / folder, patterns):
            _remove(path, now - KEPT_SECONDS)


def _files(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    with suppress(OSError):
        return [path for pattern in patterns for path in folder.glob(pattern)]
    return []


def _remove(path: Path, before: float) -> None:
    """Remove a file last modified before ``before``, in seconds."""
    with suppress(OSError):
        if path.stat().st_mtime < before:
            path.unlink()
            log.info("removed %s, which is no longer used", path.name)
