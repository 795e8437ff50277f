"""A web process that ends, and one that does not go on."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.launch.web.server import Served, answers, request, serving, whole

#: The largest heap of a thread in glibc, on processors with addresses of 64 bits.
HEAP_BYTES = 2**26


def test_requests_are_answered_before_a_process_ends() -> None:
    with serving() as served:
        gate = served.folder / "open"
        in_work = served.connect(request(f"/wait{gate}"))
        arriving = served.connect(request("/told", body=b"a body")[:-3])
        served.get()
        served.program.process.terminate()
        arriving.sendall(b"ody")
        assert whole(arriving).startswith(b"HTTP/1.1 200")
        gate.touch()
        assert whole(in_work).startswith(b"HTTP/1.1 200")
        assert served.program.process.wait(20) == 0


def test_a_process_that_is_frozen_is_replaced(until: Callable[..., None]) -> None:
    with serving(WEB_FROZEN_SECONDS="2") as served:
        frozen = served.get()["pid"]
        os.kill(frozen, signal.SIGSTOP)
        until(lambda: _pid(served) not in (None, frozen), 60)


def test_a_process_whose_threads_are_stuck_is_replaced(
    until: Callable[..., None],
) -> None:
    """Its main loop goes on, and says so to gunicorn: that must not be enough."""
    with serving(WEB_STUCK_SECONDS="1") as served:
        stuck = served.get()["pid"]
        never = served.folder / "never"
        for _ in range(3):
            served.connect(request(f"/wait{never}"))
        until(lambda: _pid(served) not in (None, stuck), 60)
        # Where they stood, by file and line.
        assert "all threads are stuck" in served.program.log
        assert "application.py" in served.program.log


def _pid(served: Served) -> int | None:
    with suppress(OSError, AssertionError):
        return int(served.get()["pid"])
    return None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_threads_share_one_heap() -> None:
    """For another heap glibc reserves addresses up to a multiple of 64 MiB."""
    with serving(WEB_THREADS="8") as served:
        process = served.get()["pid"]
        gate = served.folder / "open"
        waiting = [served.connect(request(f"/wait{gate}")) for _ in range(7)]
        served.get()
        areas = Path(f"/proc/{process}/maps").read_text().splitlines()
        gate.touch()
        for link in waiting:
            assert answers(link, 1)
    ends = [
        int(area.split()[0].split("-")[1], 16) for area in areas if " ---p " in area
    ]
    assert ends
    assert not [end for end in ends if end % HEAP_BYTES == 0]
