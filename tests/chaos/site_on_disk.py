"""A site of ``make run`` on a disk of its own, all of whose processes can be stopped."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.site import UNLIMITED
from tests.launch.process_tree import Start, eventually, launch
from tests.processes import free_port

START_SECONDS = 90


@dataclass
class PoweredSite:
    """The site, its address and the file of its database."""

    disk: Path
    output: Path
    url: str
    start: Start | None = None

    @property
    def database(self) -> Path:
        return self.disk / "data" / "chatsite.sqlite3"

    @classmethod
    def on(cls, disk: Path, output: Path) -> PoweredSite:
        """One that is not started yet."""
        return cls(disk, output, f"http://127.0.0.1:{free_port()}")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Within, the site is ready; in the end its processes are killed."""
        self.start = Start(
            launch(),
            self.output,
            DATA_DIR=str(self.disk / "data"),
            PORT=self.url.rpartition(":")[2],
            CHAT_MODEL="scripted",
            LEASE_SECONDS="3",
            **UNLIMITED,
        )
        try:
            self.start.wait_for("^ready: ", START_SECONDS)
            yield
        finally:
            self.start.end()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Within, no process of the site runs; what it had begun to write is written."""
        pids: set[int] = set()
        try:
            eventually(lambda: self._stop(pids), 30, "all processes are stopped")
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _stop(self, stopped: set[int]) -> bool:
        """Stop all processes there are; whether all of them stand still."""
        assert self.start
        pids = self.start.pids()
        stopped.update(pids)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        return all(_is_still(pid) for pid in pids)


def _is_still(pid: int) -> bool:
    states = set()
    for thread in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):
            states.add(thread.read_text().rpartition(")")[2].split()[0])
    return states <= {"T", "Z", "X"}
