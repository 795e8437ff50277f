"""How much memory this process has, and how fast the machine reads it."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import torch

MEBI = 2**20
#: Much more than any cache holds.
PROBE_BYTES = 512 * MEBI
TRIES = 9


def resident_mb() -> float:
    """Resident at present."""
    return _status_mb("VmRSS")


def peak_mb() -> float:
    """The most that was ever resident."""
    return _status_mb("VmHWM")


def _status_mb(name: str) -> float:
    """A line of the kernel's own account; NaN where there is none."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(found[0]) * 1024 / MEBI if found else float("nan")


def read_bytes_per_second(threads: int) -> float:
    """How fast ``threads`` threads read memory that is in no cache."""
    torch.set_num_threads(threads)
    numbers = torch.ones(PROBE_BYTES // 4)
    numbers.sum()
    seconds = []
    for _ in range(TRIES):
        began = time.perf_counter()
        numbers.sum()
        seconds.append(time.perf_counter() - began)
    return PROBE_BYTES / median(seconds)


def weight_bytes(folder: Path) -> int:
    """What one step of one reply has to read: all weights, each once."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))
