"""Starts programs as a person would, and finds every process they leave."""

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

ROOT = Path(__file__).resolve().parent.parent.parent
MARK = "CHATSITE_TEST_START"
SHIM = [sys.executable, "-I", "-S", die_with_parent.__file__]


def eventually(condition: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def clean_environment(**variables: str) -> dict[str, str]:
    """What a fresh terminal has, and nothing of this test run's settings."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "PYENV_VERSION")
    return {name: os.environ[name] for name in kept if name in os.environ} | variables


class Start:
    """A program in a session of its own; every process it starts bears a mark."""

    def __init__(
        self, command: Sequence[str], output: Path, cwd: Path = ROOT, **variables: str
    ) -> None:
        self.mark = uuid.uuid4().hex
        self.output = output
        self._data_dir = variables.get("DATA_DIR", "")
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                # Nothing stays behind when the test run itself is killed.
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
        """All living processes of this start, however far from it they have moved."""
        folders = Path("/proc").glob("[0-9]*")
        return [int(folder.name) for folder in folders if self._owns(folder)]

    def _owns(self, process: Path) -> bool:
        """Valkey writes its title over its environment, but stands in its folder."""
        if f"{MARK}={self.mark}".encode() in _bytes(process / "environ"):
            return True
        if not self._data_dir or b"valkey-server" not in _bytes(process / "cmdline"):
            return False
        try:
            return os.readlink(process / "cwd").startswith(self._data_dir)
        except OSError:
            return False

    def pid_of(self, part: str) -> int:
        """The one process whose command line holds ``part``."""
        found = [pid for pid in self.pids() if part in command_of(pid)]
        assert len(found) == 1, [command_of(pid) for pid in self.pids()]
        return found[0]

    def wait_for(self, pattern: str, seconds: float = 60) -> None:
        def is_there() -> bool:
            if re.search(pattern, self.text, re.MULTILINE):
                return True
            assert self.process.poll() is None, f"ended early:\n{self.text}"
            return False

        eventually(is_there, seconds, f"{pattern!r} in:\n{self.text}")

    def end(self) -> None:
        """For the end of a test, whatever happened in it."""
        self.process.kill()
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()


def command_of(pid: int) -> str:
    return _bytes(Path(f"/proc/{pid}/cmdline")).replace(b"\0", b" ").decode()


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
        timeout=120,
        check=False,
    )


def launch(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "launch", *arguments]
