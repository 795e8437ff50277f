"""Large tensors in memory that comes from the system by the page."""

from __future__ import annotations

import contextlib
import mmap

import torch
from torch import Tensor

HUGE_PAGE_BYTES = 2**21


def zeros(size: int, *, huge_pages: bool) -> Tensor:
    """Return ``size`` bytes, zeroed, which begin with a huge page: uint8 [size].

    The system gives each page when it is first written to. ``huge_pages``: of 2 MB,
    where the system has them. What is read from beginning to end is read faster, since
    small pages take time to look up; but the first byte costs 2 MB, and the time to
    zero them.
    """
    # Private, as shared memory gets no huge pages.
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    memory = mmap.mmap(-1, size + HUGE_PAGE_BYTES, flags=flags)
    if huge_pages:
        # Other systems know no such advice, and some Linux has them turned off.
        with contextlib.suppress(AttributeError, OSError):
            memory.madvise(mmap.MADV_HUGEPAGE)
    whole = torch.frombuffer(memory, dtype=torch.uint8)
    start = -whole.data_ptr() % HUGE_PAGE_BYTES
    return whole[start : start + size]
