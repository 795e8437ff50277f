"""Starts programs as a person does, and finds all their processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from launch import die_with_parent
from tests.processes import PATIENCE

ROOT = Path(__file__).resolve().parent.parent.parent
MARK = "CHATSITE_TEST_START"
SHIM = [sys.executable, "-I", "-S", die_with_parent.__file__]


def eventually(condition: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + PATIENCE * seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def clean_environment(**variables: str) -> dict[str, str]:
    """Return the variables of a new terminal, without the settings of the tests."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "PYENV_VERSION")
    return {name: os.environ[name] for name in kept if name in os.environ} | variables


class Start:
    """A program in a session of its own. Its processes inherit a variable as a mark."""

    def __init__(
        self, command: Sequence[str], output: Path, cwd: Path = ROOT, **variables: str
    ) -> None:
        self.mark = uuid.uuid4().hex
        self.output = output
        self._data_dir = variables.get("DATA_DIR", "")
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                # So it also ends when the test run is killed.
                [*SHIM, "KILL", *command],
                cwd=cwd,
                env=clean_environment(**{MARK: self.mark}, **variables),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self.output.read_text()

    def pids(self) -> list[int]:
        """Return all living processes of this program, also detached ones."""
        folders = Path("/proc").glob("[0-9]*")
        return [int(folder.name) for folder in folders if self._owns(folder)]

    def _owns(self, process: Path) -> bool:
        """Return whether a process is ours.

        Valkey overwrites its environment, but its current directory is known.
        """
        if f"{MARK}={self.mark}".encode() in _bytes(process / "environ"):
            return True
        if not self._data_dir or b"valkey-server" not in _bytes(process / "cmdline"):
            return False
        try:
            return os.readlink(process / "cwd").startswith(self._data_dir)
        except OSError:
            return False

    def pid_of(self, part: str) -> int:
        """Return the only process whose command line contains ``part``."""
        found = [pid for pid in self.pids() if part in command_of(pid)]
        assert len(found) == 1, [command_of(pid) for pid in self.pids()]
        return found[0]

    def wait_for(self, pattern: str, seconds: float = 60) -> None:
        def is_there() -> bool:
            if re.search(pattern, self.text, re.MULTILINE):
                return True
            assert self.process.poll() is None, "ended early"
            return False

        try:
            eventually(is_there, seconds, repr(pattern))
        except AssertionError as error:
            raise AssertionError(f"{error} in:\n{self.text}") from None

    def end(self) -> None:
        """Kill all processes, at the end of a test."""
        self.process.kill()
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()


def command_of(pid: int) -> str:
    return _bytes(Path(f"/proc/{pid}/cmdline")).replace(b"\0", b" ").decode()


def parent_of(pid: int) -> int:
    fields = _bytes(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()
    return int(fields[1]) if fields else 0


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def run(
    command: Sequence[str], cwd: Path = ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env=clean_environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120 * PATIENCE,
        check=False,
    )


def with_tables(data_dir: Path, migrated: Callable[[Path], str]) -> None:
    """Let a site begin with empty tables, which cost its start two seconds."""
    if not data_dir.exists():
        data_dir.mkdir(mode=0o700, parents=True)
        migrated(data_dir / "chatsite.sqlite3")


def make_run(folder: Path) -> list[str]:
    """Return ``make run`` with the Python of the tests instead of ``.venv``."""
    straight = folder / "straight.py"
    straight.write_text(
        "import os, sys\nos.execv(sys.executable, [sys.executable, *sys.argv[2:]])\n"
    )
    with_this = f"WITH={sys.executable} {straight}"
    return ["make", "run", f"PYTHON={sys.executable}", with_this]


def launch(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "launch", *arguments]
