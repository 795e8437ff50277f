"""Memory of this process, and memory bandwidth of the machine."""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import median

import torch

MEBI = 2**20
#: Much more than any CPU cache holds.
PROBE_BYTES = 512 * MEBI
TRIES = 9


def resident_mb() -> float:
    """Return the resident memory of this process, in MiB; NaN if unknown."""
    return _status_mb("VmRSS")


def peak_mb() -> float:
    """Return the peak resident memory of this process, in MiB; NaN if unknown."""
    return _status_mb("VmHWM")


def _status_mb(name: str) -> float:
    """Read a line of ``/proc/self/status`` in MiB; NaN if there is none."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(found[0]) * 1024 / MEBI if found else float("nan")


def read_bytes_per_second(threads: int) -> float:
    """Measure how fast ``threads`` threads read memory that is in no cache."""
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
    """Return the size of all weights: what one step for one reply has to read."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def embedding_mb(folder: Path) -> float:
    """Return the size of a model's token embedding in float32, in MiB."""
    config = json.loads((folder / "config.json").read_text())
    width = config.get("hidden_size") or config["n_embd"]
    return config["vocab_size"] * width * 4 / MEBI
