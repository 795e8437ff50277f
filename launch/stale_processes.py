"""Waits for the processes of an earlier start that was killed, or ends them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

#: An orphaned supervisord first stops its programs in good order.
PATIENCE_SECONDS = 15


def end_stale_processes(run_dir: Path) -> None:
    """Return when no supervisord of an earlier start uses ``run_dir`` any more."""
    try:
        pid = int((run_dir / "supervisord.pid").read_text())
    except (OSError, ValueError):
        return
    if not _is_supervisord(pid, run_dir):
        return
    print("Waiting for the processes of an earlier start to end.", flush=True)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _is_supervisord(pid, run_dir):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)


def _is_supervisord(pid: int, run_dir: Path) -> bool:
    """Return whether ``pid`` is this folder's supervisord and not a reused number."""
    process = Path(f"/proc/{pid}")
    if Path("/proc/self").exists():
        file = process / "cmdline"
        command = file.read_bytes() if file.exists() else b""
    else:
        query = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
        command = subprocess.run(query, capture_output=True, check=False).stdout
    return str(run_dir / "supervisord.conf").encode() in command
