"""A program that cannot start is named, with why, within seconds."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from launch import socket_folder
from launch.config import LaunchConfig
from launch.errors import LaunchError
from launch.exit_reason import exit_reason
from launch.process_monitor import ProcessMonitor
from launch.programs import Program
from launch.supervisord import Supervisor
from tests.launch.process_tree import eventually

NAME_SECONDS = 10
ENDLESS = "import signal; signal.pause()"


def config_in(folder: Path) -> LaunchConfig:
    for part in ("run", "log"):
        (folder / part).mkdir(parents=True)
    return LaunchConfig(
        role="site",
        data_dir=folder,
        bind="127.0.0.1",
        port=1,
        redis_url="redis://",
        has_own_valkey=False,
        workers=0,
        worker_slots=1,
        worker_grace_seconds=1,
        sockets=socket_folder.choose(folder / "run"),
    )


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Supervisor]]:
    begun: list[Supervisor] = []
    yield begun
    for one in begun:
        one.stop()
        shutil.rmtree(one._socket.parent)


def watched(
    started: list[Supervisor], folder: Path, *commands: tuple[str, ...]
) -> ProcessMonitor:
    names = ("web", "keeper")
    programs = [Program(n, c, 1) for n, c in zip(names, commands, strict=False)]
    config = config_in(folder)
    socket_folder.make(config.socket_dir, config.run_dir)
    supervisor = Supervisor(config, programs)
    started.append(supervisor)
    supervisor.start()
    return ProcessMonitor(supervisor)


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def look_until(
    monitor: ProcessMonitor, part: str, capsys: pytest.CaptureFixture[str]
) -> str:
    said: list[str] = []

    def is_said() -> bool:
        monitor.check()
        said.append(capsys.readouterr().out)
        return part in "".join(said)

    eventually(is_said, NAME_SECONDS, f"{part} in {said}")
    return "".join(said)


@pytest.mark.parametrize("lives", [0, 1.5])
def test_what_keeps_dying_is_named_with_its_last_line(
    started: list[Supervisor],
    tmp_path: Path,
    lives: float,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = (
        f"import time; time.sleep({lives}); print('why it is so'); raise SystemExit(3)"
    )
    monitor = watched(started, tmp_path / "a", python(code), python(ENDLESS))
    said = look_until(monitor, "web cannot start: why it is so; see ", capsys)
    assert "keeper" not in said
    assert said.count("cannot start") == 1


def test_what_cannot_be_spawned_is_named(
    started: list[Supervisor], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monitor = watched(started, tmp_path / "a", ("/no/such/program",))
    look_until(monitor, "web cannot start: ", capsys)


def test_what_died_once_is_only_restarted(
    started: list[Supervisor], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monitor = watched(started, tmp_path / "a", python(ENDLESS))
    eventually(lambda: (monitor.check(), monitor.pids)[1], NAME_SECONDS, "a process")
    time.sleep(1.2)  # It counts as running after a second.
    os.kill(monitor.pids["web"], signal.SIGKILL)
    said = look_until(monitor, "web runs again", capsys)
    assert "web died and is being restarted (terminated by SIGKILL)" in said
    assert "cannot start" not in said


def test_a_folder_whose_name_begins_a_comment_works(
    started: list[Supervisor], tmp_path: Path
) -> None:
    folder = tmp_path / 'a #1 ;2 %41 %(x)s it\'s "c++" [ü] $HOME'
    said = tmp_path / "said #2 ;"
    monitor = watched(
        started, folder, python(f"open({str(said)!r}, 'w').close(); {ENDLESS}")
    )
    eventually(said.exists, NAME_SECONDS, "the program's file")
    monitor.check()
    assert monitor.deaths.total() == 0


def test_a_supervisor_that_ignores_a_program_is_refused(
    started: list[Supervisor], tmp_path: Path
) -> None:
    monitor = watched(started, tmp_path / "a", python(ENDLESS))
    started[0]._programs.append(Program("valkey", (), 1))
    with pytest.raises(LaunchError, match="valkey cannot start"):
        monitor.check()


BOOTING = "[2026-01-02 03:04:05 +0000] [7] [INFO] Booting worker with pid: 7\n"
CELERY = "[2026-01-02 03:04:05,678: INFO/MainProcess] worker ready.\n"
VALKEY = "7:M 02 Jan 2026 03:04:05.678 * Ready to accept connections unix\n"


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "exit status 3"),
        ("begins\nfirst\n\n", "first"),
        ("Traceback:\n  File x\nImportError: no y\n" + BOOTING, "ImportError: no y"),
        ("Error: too few files\nFor help, use it -h\n", "Error: too few files"),
        (BOOTING, "exit status 3"),
        ("banner\n" + CELERY, "exit status 3"),
        (VALKEY, "exit status 3"),
        ("[7] [CRITICAL] it is stuck\n" + BOOTING, "[7] [CRITICAL] it is stuck"),
        ("7:M 02 Jan 2026 03:04:05.6 # Bad file\n" + VALKEY, "7:M 02 Jan 2026 03:04:05.6 # Bad file"),
        ("x" * 20_000, "x" * 300),
    ],
)  # fmt: skip
def test_the_reason_is_an_error_or_the_exit_status(
    tmp_path: Path, written: str, reason: str
) -> None:
    log, supervisor_log = tmp_path / "log", tmp_path / "supervisord.log"
    log.write_text(written)
    supervisor_log.write_text(
        "2026-01-02 03:04:05,678 INFO exited: web (exit status 1; not expected)\n"
        "2026-01-02 03:04:05,678 INFO exited: web (exit status 3; not expected)\n"
        "2026-01-02 03:04:05,678 INFO exited: web2 (exit status 4; not expected)\n"
    )
    assert exit_reason(log, supervisor_log, "web") == reason


def test_a_program_that_a_signal_ended_has_no_reason_in_its_log(tmp_path: Path) -> None:
    log, supervisor_log = tmp_path / "log", tmp_path / "supervisord.log"
    log.write_text("ValueError: of an hour ago\n" + BOOTING)
    supervisor_log.write_text(
        "INFO exited: web (terminated by SIGKILL; not expected)\n"
    )
    assert exit_reason(log, supervisor_log, "web") == "terminated by SIGKILL"
    assert exit_reason(tmp_path / "none") == "its log gives no reason"
