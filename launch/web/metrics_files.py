"""The files in which the processes of one web server count requests together.

They are in a folder of their own for each server, since process ids repeat between
containers. It is new at each start, so nothing of an earlier server is counted.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

from launch.die_with_parent import is_alive

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
NAME = re.compile(r"chatsite-metrics-(\d+)-\w+")


def make_metrics_folder() -> Path:
    """Make the folder before the first process starts; the server removes it."""
    _remove_stale(Path(tempfile.gettempdir()))
    server = os.getpid()
    folder = Path(tempfile.mkdtemp(prefix=f"chatsite-metrics-{server}-"))
    os.environ[VARIABLE] = str(folder)
    atexit.register(_remove, folder, server)
    return folder


def forget_process(pid: int) -> None:
    """Remove what only a living process may report. Its counts stay."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid)  # type: ignore[no-untyped-call]


def _remove(folder: Path, server: int) -> None:
    if os.getpid() == server:  # and not a process that it forked
        shutil.rmtree(folder, ignore_errors=True)


def _remove_stale(parent: Path) -> None:
    """Remove the folders of servers that were killed."""
    for folder in parent.glob("chatsite-metrics-*"):
        name = NAME.fullmatch(folder.name)
        is_ours = name and folder.lstat().st_uid == os.getuid()
        if name and is_ours and not is_alive(int(name[1])):
            shutil.rmtree(folder, ignore_errors=True)
