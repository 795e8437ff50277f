"""The CPU time that running programs use."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


class CpuTimes:
    """The CPU time of named programs, each with the children it has now.

    A child that ended since is not counted: its clock is gone.
    """

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._clocks = {
            name: [cpu_clock(one) for one in (pid, *_children(pid))]
            for name, pid in pids.items()
        }
        self._before = {
            clock: time.clock_gettime(clock)
            for clocks in self._clocks.values()
            for clock in clocks
        }

    def used(self) -> dict[str, float]:
        """Return the seconds that each program used since this object was made."""
        return {
            name: sum(map(self._since, each)) for name, each in self._clocks.items()
        }

    def _since(self, clock: int) -> float:
        with suppress(OSError):
            return time.clock_gettime(clock) - self._before[clock]
        return 0.0


def cpu_clock(pid: int) -> int:
    """Return the clock of the CPU time of all threads of a process (POSIX).

    Unlike ``/proc/PID/stat`` it counts nanoseconds. Raises ``OSError``.
    """
    clock = ctypes.c_int()
    libc = ctypes.CDLL(None)
    if error := libc.clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise OSError(error, os.strerror(error))
    return clock.value


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]
