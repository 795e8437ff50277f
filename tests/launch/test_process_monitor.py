"""A program that cannot start is named within seconds, with the reason."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from launch import readiness, socket_folder
from launch.config import LaunchConfig
from launch.errors import LaunchError
from launch.exit_reason import exit_reason
from launch.process_monitor import ProcessMonitor
from launch.programs import Program
from launch.supervisord import Supervisor
from tests.launch.process_tree import eventually
from tests.valkey import Valkey

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
    names = ("web", "keeper", "worker-1")
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
    monitor: ProcessMonitor, capsys: pytest.CaptureFixture[str], *parts: str
) -> str:
    """Check until all these were printed; return everything that was."""
    printed: list[str] = []

    def is_printed() -> bool:
        monitor.check()
        printed.append(capsys.readouterr().out)
        return all(part in "".join(printed) for part in parts)

    eventually(is_printed, NAME_SECONDS, f"{parts} in {printed}")
    return "".join(printed)


def test_what_cannot_start_is_named_with_its_last_line(
    started: list[Supervisor], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One dies at once, one after a moment, and one cannot be run at all."""
    later = "import time; time.sleep(1.5); print('later'); raise SystemExit(3)"
    programs = (
        python("print('why it is so'); raise SystemExit(3)"),
        python(later),
        ("/no/such/program",),
    )
    monitor = watched(started, tmp_path / "a", *programs)
    printed = look_until(
        monitor,
        capsys,
        "web cannot start: why it is so; see ",
        "keeper cannot start: later; see ",
        "worker-1 cannot start: ",
    )
    for name in ("web", "keeper", "worker-1"):
        assert printed.count(f"{name} cannot start") == 1


def test_what_died_once_is_only_restarted(
    started: list[Supervisor], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monitor = watched(started, tmp_path / "a", python(ENDLESS))

    def runs() -> bool:
        monitor.check()
        return started[0].states()["web"]["statename"] == "RUNNING"

    eventually(runs, NAME_SECONDS, "a process that runs for a second")
    os.kill(monitor.pids["web"], signal.SIGKILL)
    said = look_until(monitor, capsys, "web runs again")
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


def test_a_worker_that_never_gets_ready_ends_the_start(
    started: list[Supervisor], tmp_path: Path, valkey: Valkey
) -> None:
    dies = python("print('no weights'); raise SystemExit(3)")
    monitor = watched(started, tmp_path / "a", python(ENDLESS), python(ENDLESS), dies)
    with pytest.raises(LaunchError, match="worker-1 cannot start: no weights"):
        readiness.wait_for_worker("scripted", monitor)


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
