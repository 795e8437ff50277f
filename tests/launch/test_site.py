"""The whole site under its supervisor, with real processes and scripted replies."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from launch import socket_folder
from launch.valkey_recovery import REMOVED
from tests.launch.process_tree import (
    ROOT,
    Start,
    command_of,
    eventually,
    launch,
    make_run,
    parent_of,
    run,
    with_tables,
)
from tests.processes import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

STOP_SECONDS = 90
READY = r"^ready: http://127\.0\.0\.1:\d+$"
PATTERNS = {
    "launcher": "-m launch ",
    "supervisor": "supervisord",
    "valkey": "valkey-server",
    "web": "gunicorn",
    "keeper": "manage.py keeper",
    "worker": "celery",
}

Starter = Callable[..., Start]


@pytest.fixture
def start(tmp_path: Path, migrated: Callable[[Path], str]) -> Iterator[Starter]:
    """Start sites in one folder; kill those that still run at the end of the test.

    With a command, by which people start them, sites make their tables themselves.
    """
    started: list[Start] = []

    def begin(command: list[str] | None = None, **variables: str) -> Start:
        port = variables.setdefault("PORT", str(free_port()))
        variables = {
            "DATA_DIR": str(tmp_path / "data"),
            "CHAT_MODEL": "scripted",
            "WORKER_GRACE_SECONDS": "2",
        } | variables
        if command is None:
            with_tables(Path(variables["DATA_DIR"]), migrated)
        output = tmp_path / f"output-{len(started)}"
        begun = Start(command or launch(), output, **variables)
        begun.port = int(port)  # type: ignore[attr-defined]
        started.append(begun)
        return begun

    yield begin
    for begun in started:
        begun.end()


def page(start: Start, path: str) -> int:
    url = f"http://127.0.0.1:{start.port}{path}"  # type: ignore[attr-defined]
    with urllib.request.urlopen(url, timeout=10) as answer:
        return int(answer.status)


def ask(
    start: Start, text: str, visitor: urllib.request.OpenerDirector | None = None
) -> http.client.HTTPResponse:
    call = urllib.request.Request(
        f"http://127.0.0.1:{start.port}/api/v1/messages",  # type: ignore[attr-defined]
        json.dumps({"text": text}).encode(),
        {"Content-Type": "application/json"},
    )
    return (visitor or urllib.request.build_opener()).open(call, timeout=10)


def is_up(start: Start) -> bool:
    try:
        return page(start, "/healthz") == 200
    except OSError:
        return False


def test_a_start_gets_ready_and_restarts_what_dies(
    start: Starter, tmp_path: Path
) -> None:
    """Started by make, and ended by Ctrl-C. Valkey finds its file damaged meanwhile."""
    site = start(make_run(tmp_path))
    site.wait_for(READY)
    assert page(site, "/healthz") == 200
    assert page(site, "/") == 200
    lines = site.text.splitlines()
    ready = next(number for number, line in enumerate(lines) if "ready: " in line)
    assert [line for line in lines if line.startswith("ready: ")] == [lines[ready]]
    assert lines[ready + 1].startswith("model: scripted (")
    assert "CHAT_MODEL=" in lines[ready + 1]
    status = run(launch("status"), DATA_DIR=str(tmp_path / "data"))
    assert ": ready, 0 of 8 rows busy" in status.stdout, status
    second = start()
    assert second.process.wait(STOP_SECONDS) == 1
    (pid,) = re.findall(r"as process (\d+);", second.text)
    assert PATTERNS["launcher"] in command_of(int(pid))
    assert int(pid) in site.pids()
    assert len(second.text.splitlines()) == 1
    damage_queue(tmp_path)
    for name in ("valkey", "web", "keeper", "worker"):
        found = {pid for pid in site.pids() if PATTERNS[name] in command_of(pid)}
        (eldest,) = [pid for pid in found if parent_of(pid) not in found]
        os.kill(eldest, signal.SIGKILL)
    for name in ("web", "keeper", "worker"):
        site.wait_for(
            rf"^{name}\S* died and is being restarted \(terminated by SIGKILL"
        )
        site.wait_for(rf"^{name}\S* runs again")
    # It may have been started once more already, and have refused its file.
    site.wait_for(r"^valkey died and is being restarted \(")
    eventually(lambda: site.text.count(REMOVED) == 1, 20, "what was removed is said")
    eventually(lambda: is_up(site), 20, "the page")
    os.killpg(site.process.pid, signal.SIGINT)  # It reaches all of the terminal.
    eventually(lambda: not site.pids(), STOP_SECONDS, "all processes gone")


def test_a_folder_outlives_stops_and_kills(start: Starter, tmp_path: Path) -> None:
    """One folder, four starts: after each end nothing runs and nothing is lost.

    Before the second start a file of the queue is damaged, as a power cut does it.
    """
    visitor = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    first = start()
    first.wait_for(READY)
    with ask(first, "remember this", visitor) as answer:
        url = json.load(answer)["url"]

    def reply() -> dict[str, object]:
        with visitor.open(url, timeout=10) as answer:
            return dict(json.load(answer))

    eventually(lambda: reply()["state"] == "done", STOP_SECONDS, "an answer")
    before = reply()
    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(STOP_SECONDS) in (0, 128 + signal.SIGINT)
    assert not first.pids()
    logs = "".join(path.read_text() for path in (tmp_path / "data/log").glob("*"))
    assert "Traceback" not in logs

    damage_queue(tmp_path)
    second = start(PORT=str(first.port))  # type: ignore[attr-defined]
    second.wait_for(READY)
    assert reply() == before
    eventually(lambda: second.text.count(REMOVED) == 1, 20, "what was removed is said")
    old = set(second.pids())
    second.process.kill()
    # At once: this start has to wait for the processes of the killed one.
    third = start(PORT=str(first.port), WORKERS="0")  # type: ignore[attr-defined]
    third.wait_for(READY)
    assert not old & set(third.pids() + second.pids())
    assert reply() == before

    os.kill(third.pid_of(PATTERNS["supervisor"]), signal.SIGKILL)
    assert third.process.wait(STOP_SECONDS) != 0
    eventually(lambda: not third.pids(), STOP_SECONDS, "all processes gone")
    fourth = start(
        make_run(tmp_path),
        PORT=str(first.port),  # type: ignore[attr-defined]
        WORKERS="0",
    )
    fourth.wait_for(READY)
    assert reply() == before
    fourth.process.kill()  # make itself
    eventually(lambda: not fourth.pids(), STOP_SECONDS, "all processes gone")


def test_a_site_and_workers_share_a_redis_of_their_own(
    start: Starter, tmp_path: Path
) -> None:
    first = start(WORKERS="0", HTTPS_ONLY="on", SITE_URL="https://chat.example.org")
    first.wait_for(r"^ready: https://chat.example.org through your proxy, from http://")
    first.wait_for("No worker runs here")
    assert not any("celery" in command_of(pid) for pid in first.pids())
    # Where a path is too long for a socket, it is elsewhere.
    url = f"unix://{socket_folder.choose(tmp_path / 'data' / 'run')}/valkey.sock"
    second = start(DATA_DIR=str(tmp_path / "other"), REDIS_URL=url, WORKERS="0")
    second.wait_for(READY)
    assert not any("valkey-server" in command_of(pid) for pid in second.pids())
    lone = start(
        launch("worker"), DATA_DIR=str(tmp_path / "third"), REDIS_URL=url, WORKERS="2"
    )
    lone.wait_for(r"^ready: ")
    commands = [command_of(pid) for pid in lone.pids()]
    assert sum("celery" in command for command in commands) == 2
    assert not any("gunicorn" in c or "keeper" in c for c in commands)
    lone.process.send_signal(signal.SIGTERM)
    assert lone.process.wait(STOP_SECONDS) == 0
    assert not lone.pids()
    none = start(launch("worker"), DATA_DIR=str(tmp_path), REDIS_URL=url, WORKERS="0")
    assert none.process.wait(STOP_SECONDS) == 2
    assert "WORKERS=0" in none.text


def test_a_relative_folder_is_taken_from_where_one_stands(tmp_path: Path) -> None:
    code = "from launch.config import read_config; print(read_config('site').data_dir)"
    ran = run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        PYTHONPATH=str(ROOT),
        DATA_DIR="here",
    )
    assert ran.stdout.strip() == str(tmp_path / "here")


def damage_queue(tmp_path: Path) -> None:
    """Append NUL bytes to the file that Valkey appends to."""
    (file,) = (tmp_path / "data/valkey/appendonlydir").glob("*.incr.aof")
    with file.open("ab") as tail:
        tail.write(bytes(700))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_ends_nothing(start: Starter, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=40m", "small", str(small))
    if subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("nothing can be mounted here")
    try:
        site = start(DATA_DIR=str(small / "data"), WORKERS="0")
        site.wait_for(READY)
        before = {pid: command_of(pid) for pid in site.pids()}
        ballast = small / "ballast"
        with ballast.open("wb", buffering=0) as file, pytest.raises(OSError):
            while file.write(bytes(1 << 16)):
                pass
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(site, "no room for this")
        with refused.value as answer:
            assert answer.code == 507
        # What dies now is to be written into logs that have no room.
        os.kill(site.pid_of(PATTERNS["keeper"]), signal.SIGKILL)
        site.wait_for("^keeper died")
        assert is_up(site)
        ballast.unlink()
        with ask(site, "there is room again") as answer:
            assert answer.status == 202
        (gone,) = (before[pid] for pid in before.keys() - set(site.pids()))
        assert PATTERNS["keeper"] in gone
    finally:
        subprocess.run(("umount", "-l", str(small)), check=False)


TWO_MODELS = """
default = "one"

[models.one]
label = "One"
engine = "scripted"
context_tokens = 8192

[models.two]
label = "Two"
engine = "scripted"
context_tokens = 8192
"""


def test_several_models_are_served_side_by_side(start: Starter, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(TWO_MODELS)
    variables = {
        "CHAT_MODEL": "",
        "CHAT_MODELS": "two,one",
        "CHAT_CATALOG": str(catalog),
        "DATA_DIR": str(tmp_path / "data"),
    }
    site = start(**variables)
    site.wait_for(READY)
    site.wait_for(r"^model: two \(Two\).*; also: one$")

    def served() -> set[str]:
        said = run(launch("status", "--json"), **variables).stdout
        found = json.loads(said)["models"]
        return {one["name"] for one in found if one["workers"]}

    eventually(lambda: served() == {"one", "two"}, 40, "two models")
