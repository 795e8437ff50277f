"""Memory by the page, for weights and the KV cache."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
import torch

from worker.engine import page_memory
from worker.engine.memory import return_freed_memory

STATUS = Path("/proc/self/status")


def resident_bytes() -> int:
    line = next(one for one in STATUS.read_text().splitlines() if "VmRSS" in one)
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("huge_pages", [False, True])
@pytest.mark.parametrize("size", [1, 4096, page_memory.HUGE_PAGE_BYTES + 1])
def test_memory_is_zeroed_and_begins_with_a_page(size: int, huge_pages: bool) -> None:
    memory = page_memory.zeros(size, huge_pages=huge_pages)
    assert (len(memory), memory.dtype) == (size, torch.uint8)
    assert not memory.any()
    assert memory.data_ptr() % page_memory.HUGE_PAGE_BYTES == 0
    memory[-1] = 7
    assert memory.sum() == 7


@pytest.mark.parametrize("huge_pages", [False, True])
@pytest.mark.skipif(not STATUS.exists(), reason="needs Linux")
def test_memory_is_taken_when_it_is_written_to_and_given_back_with_its_last_tensor(
    huge_pages: bool,
) -> None:
    gc.collect()
    before, size = resident_bytes(), 64 * page_memory.HUGE_PAGE_BYTES
    memory = page_memory.zeros(size, huge_pages=huge_pages)
    view = memory.view(torch.float32)[:7]
    assert resident_bytes() - before < size / 8
    memory.fill_(1)
    del memory
    assert resident_bytes() - before > size * 7 / 8
    assert view.sum() > 0
    del view
    gc.collect()
    assert resident_bytes() - before < size / 8


@pytest.mark.skipif(not STATUS.exists(), reason="needs Linux")
def test_what_was_freed_goes_back_to_the_system() -> None:
    # Blocks too small for the system alone: the C library keeps them when they are
    # freed, as one that is still in use lies behind them.
    blocks = [bytearray(60_000) for _ in range(2000)]
    held = resident_bytes()
    last = blocks.pop()
    blocks.clear()
    return_freed_memory()
    assert held - resident_bytes() > 80_000_000
    assert len(last) == 60_000
