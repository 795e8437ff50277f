"""The memory that a web process keeps, and how often Python looks through it."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

#: In malloc.h of glibc: how many heaps there may be.
M_ARENA_MAX = -8
#: New objects after which Python looks for unused ones among them; its default is 700.
NEW_OBJECTS = 5_000


def use_one_heap() -> None:
    """Let all threads of this process share one heap. Call it before they start.

    Otherwise glibc gives each thread a heap of its own, and what one thread frees is of
    no use to the others. Python runs one thread at a time, so none waits for the heap.
    See mallopt(3). Does nothing with another C library.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def collect_less_often() -> None:
    """Leave the loaded program out of garbage collection, and collect less often.

    Most objects of a request are freed when it ends, without a collection. Call it
    after the program is loaded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
