"""How many rows the KV cache gets; decided once, before the first reply."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import math
from dataclasses import dataclass

import torch

from chatsite.machine import MEBI, memory_bytes
from worker.engine.interface import ModelUnavailable

#: Default share of the memory that the KV cache may take.
MEMORY_SHARE = 0.25
#: Rows of the prefix cache for each running reply.
CACHED_ROWS_PER_REPLY = 1


@dataclass(frozen=True, slots=True)
class CacheSize:
    """The size of the KV cache, in rows."""

    #: Limit of replies at once.
    max_running: int
    #: All rows, with those of the prefix cache.
    rows: int

    @classmethod
    def plan(
        cls,
        row_bytes: int,
        max_running: int,
        device: torch.device,
        *,
        memory_mb: int = 0,
        workers: int = 1,
    ) -> CacheSize:
        """Return the largest size that fits, up to ``max_running`` replies.

        ``memory_mb``: mebibytes for all rows; 0 takes a share of the memory, which
        ``workers`` processes on the machine divide between them. Raises
        ``ModelUnavailable`` if not even one row fits.
        """
        share = MEMORY_SHARE * available_bytes(device) / workers
        budget = memory_mb * MEBI if memory_mb else int(share)
        fitting = budget // row_bytes
        if fitting < 1:
            raise ModelUnavailable(
                f"One reply needs {row_bytes / MEBI:.0f} MB for its keys and values, "
                f"and there are {budget / MEBI:.0f}: set WORKER_MEMORY_MB to "
                f"{math.ceil(row_bytes / MEBI)} or more."
            )
        rows = min(fitting, max_running * (1 + CACHED_ROWS_PER_REPLY))
        return cls(max_running=min(max_running, rows), rows=rows)


def available_bytes(device: torch.device) -> int:
    """Return the free memory of a CUDA device, or that of the machine or container."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return memory_bytes()


def return_freed_memory() -> None:
    """Give the system back what was freed, which glibc keeps to use again.

    Loading a model frees more than a running model takes.
    """
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
