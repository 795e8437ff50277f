"""What this machine has: processor cores, memory and C compilers.

In a container that is perhaps not all.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MEBI = 2**20
#: Memory limit of the container, in cgroup version 2 and 1.
CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
#: C compilers with which a worker builds its fastest forward pass.
COMPILERS = ("cc", "gcc", "clang")


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_bytes() -> int:
    """Return the memory of the machine or, if it is less, of the container."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([installed, *map(_read_limit, CGROUP_LIMITS)])


def find_compilers() -> list[str]:
    """Return the paths of the C compilers, each once."""
    found = filter(None, map(shutil.which, COMPILERS))
    return [*{os.path.realpath(path): path for path in found}.values()]


def _read_limit(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        # The file is absent, or says "max".
        return 2**62
