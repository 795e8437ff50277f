"""The memory that the C library keeps for a web process."""

from __future__ import annotations

import ctypes
from contextlib import suppress

#: In malloc.h of glibc: how many heaps there may be.
M_ARENA_MAX = -8


def use_one_heap() -> None:
    """Let all threads of this process share one heap. Call it before they start.

    Otherwise glibc gives each thread a heap of its own, and what one thread frees is of
    no use to the others. Python runs one thread at a time, so none waits for the heap.
    See mallopt(3). Does nothing with another C library.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
