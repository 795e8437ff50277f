"""A wrapped program ends with its parent, whatever ended the parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from launch import die_with_parent
from tests.launch.process_tree import SHIM, Start, eventually, run

SLEEPER = [
    sys.executable,
    "-c",
    "import signal; print('up', flush=True); signal.pause()",
]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[Start]:
    """A program that starts a wrapped child and grandchild, then waits."""
    code = f"""
import subprocess, signal
inner = {[*SHIM, "KILL", *SLEEPER]!r}
middle = [{sys.executable!r}, "-c", f"import subprocess; subprocess.run({{inner!r}})"]
subprocess.Popen([*{[*SHIM, "KILL"]!r}, *middle])
signal.pause()
"""
    start = Start([sys.executable, "-c", code], tmp_path / "output")
    start.wait_for("up")
    yield start
    start.end()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_children_and_grandchildren_end_with_the_parent(
    parent: Start, how: signal.Signals
) -> None:
    assert len(parent.pids()) == 3
    parent.process.send_signal(how)
    parent.process.wait()
    eventually(lambda: not parent.pids(), 5, "all processes gone")


def test_a_child_whose_parent_is_gone_already_never_starts() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    ran = run([*SHIM, "KILL", *SLEEPER], **{die_with_parent.PARENT: str(gone.pid)})
    assert ran.returncode == 128 + signal.SIGKILL
    assert ran.stdout == ""


def test_the_command_keeps_the_pid_and_hands_on_its_status() -> None:
    ran = run([*SHIM, "TERM", sys.executable, "-c", "import sys; sys.exit(7)"])
    assert ran.returncode == 7
    code = (
        f"import os; assert os.environ[{die_with_parent.PARENT!r}] == str(os.getpid())"
    )
    assert run([*SHIM, "TERM", sys.executable, "-c", code]).returncode == 0


def test_where_the_kernel_cannot_help_a_watcher_does(tmp_path: Path) -> None:
    watched = f"""
import os, sys
sys.path.insert(0, {str(Path(die_with_parent.__file__).parent)!r})
from launch import die_with_parent
die_with_parent.watch_parent(9, os.getppid())
os.execv({sys.executable!r}, {SLEEPER!r})
"""
    code = f"import subprocess; subprocess.run([{sys.executable!r}, '-c', {watched!r}])"
    start = Start([sys.executable, "-c", code], tmp_path / "output")
    try:
        start.wait_for("up")
        assert len(start.pids()) == 3  # the parent, the watched, the watcher
        os.kill(start.process.pid, signal.SIGKILL)
        start.process.wait()
        eventually(lambda: not start.pids(), 5, "all processes gone")
    finally:
        start.end()
