"""Large tensors in memory that the system may give in pages of 2 MB.

What a step reads from beginning to end, the weights and the KV cache, lies there:
small pages take time to look up, and processors fetch ahead only within a page.
"""

from __future__ import annotations

import contextlib
import mmap

import torch
from torch import Tensor

HUGE_PAGE_BYTES = 2**21


def zeros(size: int) -> Tensor:
    """Return ``size`` bytes, which begin with a page: uint8 [size].

    The system gives each page, zeroed, when it is first written to.
    """
    # Private, as shared memory gets no huge pages.
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    memory = mmap.mmap(-1, size + HUGE_PAGE_BYTES, flags=flags)
    # Other systems know no such advice, and some Linux has them turned off.
    with contextlib.suppress(AttributeError, OSError):
        memory.madvise(mmap.MADV_HUGEPAGE)
    whole = torch.frombuffer(memory, dtype=torch.uint8)
    start = -whole.data_ptr() % HUGE_PAGE_BYTES
    return whole[start : start + size]
