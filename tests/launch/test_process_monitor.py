"""A program that cannot start is named within seconds, with the reason."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chatsite.mailbox import open_mailbox
from chatsite.startup import (
    ENDED_STATUS,
    LACKING_STATUS,
    REFUSED_STATUS,
    UNLOADABLE_STATUS,
)
from chatsite.wire import Announcement, Stage
from launch import load_retries, readiness, socket_folder
from launch.config import LaunchConfig
from launch.errors import LaunchError
from launch.exit_reason import CANNOT_SERVE, exit_reason
from launch.process_monitor import ProcessMonitor
from launch.programs import Program
from launch.supervisord import Supervisor
from tests.launch.process_tree import eventually
from tests.valkey import Valkey

Capsys = pytest.CaptureFixture[str]

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


def look_until(monitor: ProcessMonitor, capsys: Capsys, *parts: str) -> str:
    """Check until all these were printed; return everything that was."""
    printed: list[str] = []

    def is_printed() -> bool:
        monitor.check()
        printed.append(capsys.readouterr().out)
        return all(part in "".join(printed) for part in parts)

    eventually(is_printed, NAME_SECONDS, f"{parts} in {printed}")
    return "".join(printed)


def test_what_cannot_start_is_named_with_its_last_line(
    started: list[Supervisor], tmp_path: Path, capsys: Capsys
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
    started: list[Supervisor], tmp_path: Path, capsys: Capsys
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


def test_a_worker_that_refuses_ends_the_start_at_its_first_try(
    started: list[Supervisor], tmp_path: Path, valkey: Valkey, capsys: Capsys
) -> None:
    refuses = python("print('install gcc'); raise SystemExit(2)")
    monitor = watched(
        started, tmp_path / "a", python(ENDLESS), python(ENDLESS), refuses
    )
    with pytest.raises(LaunchError, match="worker-1 cannot start: install gcc"):
        readiness.wait_for_worker("scripted", monitor)
    assert capsys.readouterr().out == ""


def test_after_the_start_a_refusal_is_tried_again(
    started: list[Supervisor], tmp_path: Path, capsys: Capsys
) -> None:
    monitor = watched(
        started, tmp_path / "a", python("print('no room'); raise SystemExit(2)")
    )
    monitor.is_starting = False
    look_until(monitor, capsys, "web died and is being restarted (no room)")


def test_the_steps_of_a_worker_are_printed_once_each(
    started: list[Supervisor], tmp_path: Path, valkey: Valkey, capsys: Capsys
) -> None:
    monitor = watched(started, tmp_path / "a", *(python(ENDLESS) for _ in range(3)))
    eventually(lambda: monitor.check() or "worker-1" in monitor.pids, 10, "a worker")
    name = f"worker-1@host-{monitor.pids['worker-1']}-a1b2c3"
    loading = Announcement(name, "scripted", "", Stage.LOADING)
    ready = replace(loading, stage=Stage.READY, precision="int8", threads=2)
    coming = [
        replace(loading, step="Building."),
        replace(loading, step="Building."),
        replace(loading, worker="worker-1@other-1-d4e5f6", step="Of another start."),
        replace(loading, step="Checking."),
        ready,
    ]

    class Announced(ProcessMonitor):
        def check(self) -> None:
            open_mailbox().announce(coming.pop(0))
            super().check()

    monitor.__class__ = Announced
    assert readiness.wait_for_worker("scripted", monitor) == ready
    assert capsys.readouterr().out == "Building.\nChecking.\n"
    assert ready.computation == "in int8 on 2 threads"


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


@pytest.mark.parametrize("is_starting", [True, False])
def test_a_worker_that_lacks_a_key_is_not_started_again(
    started: list[Supervisor], tmp_path: Path, capsys: Capsys, *, is_starting: bool
) -> None:
    lacks = f"time.sleep(1.5); print('no key'); raise SystemExit({LACKING_STATUS})"
    monitor = watched(started, tmp_path / "a", python(f"import time; {lacks}"))
    monitor.is_starting = is_starting
    reason = "web cannot start: no key"
    if is_starting:
        with pytest.raises(LaunchError, match=reason):
            look_until(monitor, capsys, "never said")
    else:
        assert "died" not in look_until(monitor, capsys, reason)
    assert started[0].states()["web"]["statename"] == "EXITED"


@pytest.mark.parametrize("is_starting", [True, False])
@pytest.mark.parametrize("status", [UNLOADABLE_STATUS, REFUSED_STATUS])
def test_a_worker_that_cannot_load_is_named_and_started_again_after_a_pause(
    started: list[Supervisor],
    tmp_path: Path,
    capsys: Capsys,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    *,
    is_starting: bool,
) -> None:
    monkeypatch.setattr(load_retries, "PAUSE_SECONDS", 1.0)
    says = f"print('{CANNOT_SERVE}no file.'); raise SystemExit({status})"
    broken = python(f"import time; time.sleep(1.1); print('KeyError'); {says}")
    programs = (python(ENDLESS), python(ENDLESS), broken)
    monitor = watched(started, tmp_path / "a", *programs)
    monitor.is_starting = is_starting
    reason = "worker-1 cannot start: no file; see "
    if is_starting:
        with pytest.raises(LaunchError, match=reason):
            look_until(monitor, capsys, "never said")
    else:
        tries = ("the next try is in 1 s.", "the next try is in 2 s.")
        said = look_until(monitor, capsys, reason, *tries)
        assert "died" not in said
        assert said.count(reason) == 2


def test_what_an_operator_ended_is_not_started_again(
    started: list[Supervisor], tmp_path: Path, capsys: Capsys
) -> None:
    ended = f"import time; time.sleep(1.5); raise SystemExit({ENDED_STATUS})"
    monitor = watched(started, tmp_path / "a", python(ended))
    said = look_until(monitor, capsys, "web was ended by an operator")
    assert "died" not in said
    assert started[0].states()["web"]["statename"] == "EXITED"
