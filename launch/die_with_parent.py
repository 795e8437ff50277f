"""Runs a command that ends when its parent process ends, for whatever reason.

    python die_with_parent.py KILL some-command --with its-arguments

On Linux the kernel sends the signal; elsewhere a small watcher process does. It uses
only the standard library and is run by its path, so that it starts at once.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterable

#: The process id of the parent that exported this variable. A child compares it with
#: its real parent, which may already have ended by then.
PARENT = "CHATSITE_BOUND_PARENT"
PR_SET_PDEATHSIG = 1
WATCH_SECONDS = 0.5


def die_with_parent(signal_number: int, parent: int) -> None:
    """Have the kernel signal this process when ``parent`` ends (Linux only)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    end_if_orphaned(signal_number, parent)


def end_if_orphaned(signal_number: int, parent: int) -> None:
    """End this process if ``parent`` had ended before it could be watched."""
    if os.getppid() != parent:
        os._exit(128 + signal_number)


def watch_parent(signal_number: int, parent: int) -> None:
    """Start a detached process that signals this one when ``parent`` ends."""
    watched = os.getpid()
    if (child := os.fork()) != 0:
        os.waitpid(child, 0)
        end_if_orphaned(signal_number, parent)
        return
    os.setsid()
    if os.fork() == 0:
        _close_files()
        while is_alive(parent) and is_alive(watched):
            time.sleep(WATCH_SECONDS)
        if is_alive(watched):
            os.kill(watched, signal_number)
    os._exit(0)


def _close_files() -> None:
    """Close pipes and locks, which must be closed when the watched process ends."""
    os.closerange(3, 1024)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)


def is_alive(pid: int) -> bool:
    """Return whether a process with this id runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def ended_with_parent(signal_name: str, command: Iterable[str]) -> list[str]:
    """Return ``command``, wrapped so that the signal ends it when its parent ends."""
    return [sys.executable, "-I", "-S", __file__, signal_name, *command]


def main(arguments: list[str]) -> None:
    """Bind this process to its parent, then become the command."""
    signal_number = signal.Signals["SIG" + arguments[0]]
    parent = int(os.environ.get(PARENT) or os.getppid())
    if sys.platform == "linux":
        die_with_parent(signal_number, parent)
    else:
        watch_parent(signal_number, parent)
    os.environ[PARENT] = str(os.getpid())
    os.execvp(arguments[1], arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
