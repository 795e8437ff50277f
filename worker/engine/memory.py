"""How many rows fit: decided once, before the first reply."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

import torch

from worker.engine.interface import ModelUnavailable

#: Of what is there, keys and values may take this share unless told otherwise.
SHARE = 0.25
#: For each live reply this many rows keep what ended, for the next turn.
KEPT_ROWS = 1
MEBI = 2**20
#: What a container may use at most, as its system tells it.
CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


@dataclass(frozen=True, slots=True)
class Room:
    """Rows of one size."""

    #: Most live replies.
    slots: int
    #: All rows, with those that keep what ended.
    rows: int

    @classmethod
    def plan(
        cls,
        row_bytes: int,
        slots: int,
        device: torch.device,
        *,
        mb: int = 0,
        workers: int = 1,
    ) -> Room:
        """``mb``: mebibytes for all rows; 0 takes a share of what is there.

        ``workers`` processes like this one are on the machine and take that share
        together. Raises ``ModelUnavailable`` where not one row fits.
        """
        budget = mb * MEBI if mb else int(SHARE * machine_bytes(device) / workers)
        fitting = budget // row_bytes
        if fitting < 1:
            raise ModelUnavailable(
                f"One reply needs {row_bytes / MEBI:.0f} MB for its keys and values, "
                f"and there are {budget / MEBI:.0f}: set WORKER_MEMORY_MB to "
                f"{math.ceil(row_bytes / MEBI)} or more."
            )
        rows = min(fitting, slots * (1 + KEPT_ROWS))
        return cls(slots=min(slots, rows), rows=rows)


def machine_bytes(device: torch.device) -> int:
    """The memory of the device, or of the machine or container around a CPU."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([installed, *map(_limit, CGROUP_LIMITS)])


def _limit(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        # No such file, or "max".
        return 2**62
