"""What this machine has: processor cores and memory, in a container perhaps not all."""

from __future__ import annotations

import os
from pathlib import Path

MEBI = 2**20
#: Memory limit of the container, in cgroup version 2 and 1.
CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_bytes() -> int:
    """Return the memory of the machine or, if it is less, of the container."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([installed, *map(_read_limit, CGROUP_LIMITS)])


def _read_limit(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        # The file is absent, or says "max".
        return 2**62
