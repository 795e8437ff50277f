"""What an earlier start left behind, if it was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

#: An orphaned supervisor stops its programs in good order first.
PATIENCE_SECONDS = 15


def end_stale_processes(run_dir: Path) -> None:
    """Return once no supervisor of an earlier start uses ``run_dir`` any more."""
    try:
        pid = int((run_dir / "supervisord.pid").read_text())
    except (OSError, ValueError):
        return
    if not _is_ours(pid, run_dir):
        return
    print("Waiting for the processes of an earlier start to end.", flush=True)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _is_ours(pid, run_dir):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)


def _is_ours(pid: int, run_dir: Path) -> bool:
    """Whether ``pid`` is this folder's supervisor, not a stranger of that number."""
    shown = Path(f"/proc/{pid}/cmdline")
    if shown.parent.parent.joinpath("self").exists():
        command = shown.read_bytes() if shown.exists() else b""
    else:
        query = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
        command = subprocess.run(query, capture_output=True, check=False).stdout
    return str(run_dir / "supervisord.conf").encode() in command
