"""A start that cannot work prints one line with the reason and leaves no process."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from chatsite import settings
from chatsite.static_files import STYLESHEET, package_folders, refusal
from launch.instance_lock import hold_instance_lock, is_running
from tests.launch.forked_starts import run_cases
from tests.launch.process_tree import ROOT, Start, eventually, launch, run
from tests.processes import free_port

STATIC = ROOT / "static"
OWN_SCRIPT = min(STATIC.rglob("*.js")).relative_to(STATIC)
BAD_VALUES = [
    ("PORT", "http"),
    ("PORT", "65536"),
    ("BIND", "no such host"),
    ("WORKERS", "-1"),
    ("WORKER_THREADS", "-1"),
    ("WORKER_SLOTS", "many"),
    ("WORKER_GRACE_SECONDS", "soon"),
    ("REDIS_URL", "http://127.0.0.1"),
    ("DATABASE_URL", "nonsense"),
    ("DATABASE_URL", "mysql://someone@host/name"),
    ("DATABASE_URL", "sqlite:////tmp/a%00b"),
    ("DATABASE_URL", "postgres://127.0.0.1/name?isolation_level=9"),
    ("DATABASE_URL", "sqlite:////etc/passwd"),
    ("REDIS_URL", "unix:///tmp/a%00b"),
    ("WORKER_DEVICE", "banana"),
    ("DEBUG", "perhaps"),
]


def one_line(result: tuple[int, str], *parts: str) -> tuple[int, str]:
    status, output = result
    assert len(output.splitlines()) == 1, output
    assert all(part in output for part in parts), (parts, output)
    return status, output


def test_a_bad_value_names_its_variable(tmp_path: Path) -> None:
    cases = [([], {name: value}) for name, value in BAD_VALUES]
    results = run_cases(ROOT, cases, DATA_DIR=str(tmp_path / "data"))
    for (name, _), result in zip(BAD_VALUES, results, strict=True):
        assert one_line(result, name)[0] == 2


def test_what_is_missing_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    database = damaged_database(tmp_path)
    before = database.read_bytes()
    closed, port = free_port(), str(free_port())
    redis_url = f"redis://:hidden-word@127.0.0.1:{closed}/0"
    postgres = f"postgres://chat:word@127.0.0.1:{closed}/chat"
    no_redis = ("Cannot reach Redis at REDIS_URL",)
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = str(holder.getsockname()[1])
        cases = {
            1: [
                ([], {"PORT": taken}, (f"port {taken} is taken", "make run PORT=")),
                ([], {"REDIS_URL": redis_url, "PORT": port}, no_redis),
                (["worker"], {"REDIS_URL": redis_url}, no_redis),
                (["worker"], {}, ("make worker REDIS_URL=",)),
                (
                    [],
                    {"DATABASE_URL": postgres, "PORT": port},
                    ("Cannot prepare the database at DATABASE_URL",),
                ),
                (
                    [],
                    {"DATABASE_URL": f"sqlite:///{database}", "PORT": port},
                    (f"malformed. '{database}' is left as it is: move it away",),
                ),
            ],
            2: [
                (
                    [],
                    {"DATA_DIR": str(tmp_path / "file" / "data")},
                    ("DATA_DIR", str(tmp_path)),
                ),
                (
                    [],
                    {"CHAT_MODEL": "no-such-model"},
                    ("CHAT_MODELS, CHAT_CATALOG: There is no model 'no-such-model'",),
                ),
                (
                    [],
                    {"CHAT_MODELS": "gpt2,no-such-model"},
                    ("CHAT_MODELS, CHAT_CATALOG: There is no model 'no-such-model'",),
                ),
                (
                    [],
                    {"CHAT_MODELS": "gpt2,/some/folder"},
                    ("CHAT_MODELS takes names of the catalogue, no paths.",),
                ),
            ],
        }
        for status, some in cases.items():
            results = run_cases(
                ROOT,
                [(arguments, variables) for arguments, variables, _ in some],
                DATA_DIR=str(tmp_path / "data"),
            )
            for (_, _, parts), result in zip(some, results, strict=True):
                assert one_line(result, *parts)[0] == status
                assert "hidden-word" not in result[1]
    assert database.read_bytes() == before


def damaged_database(folder: Path) -> Path:
    database = folder / "chat.sqlite3"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE django_migrations (id, app, name, applied)")
        connection.commit()
    database.write_bytes(database.read_bytes()[:4096] + b"damaged" * 600)
    return database


@pytest.mark.parametrize(
    ("limit", "what"), [("-n 256", "256 open files"), ("-u 150", "150 processes")]
)
def test_a_system_that_allows_too_little_is_named(
    tmp_path: Path, limit: str, what: str
) -> None:
    shell = ["bash", "-c", f'ulimit {limit}; exec "$@"', "bash", *launch()]
    ran = run(shell, DATA_DIR=str(tmp_path), PORT=str(free_port()))
    [line] = (ran.stdout + ran.stderr).splitlines()
    assert ran.returncode == 1
    assert f"allows {what}" in line and f"ulimit {limit[:2]} " in line


def made_static_root(path: Path, kind: str) -> Path:
    if kind == "a file":
        path.write_bytes(b"x")
    elif kind == "empty":
        path.mkdir()
    elif kind.startswith("without "):
        collect_static(path)
        (path / kind.removeprefix("without ")).unlink()
    return path


def collect_static(path: Path) -> None:
    for source in (ROOT / "static", *package_folders()):
        shutil.copytree(source, path, dirs_exist_ok=True)
    (path / STYLESHEET).touch()


@pytest.mark.parametrize(
    "kind",
    [
        "missing",
        "empty",
        "a file",
        f"without {OWN_SCRIPT}",
        "without django_htmx/htmx-2.min.js",
        f"without {STYLESHEET}",
    ],
)
def test_pages_without_their_files_are_refused(tmp_path: Path, kind: str) -> None:
    root = made_static_root(tmp_path / "collected", kind)
    assert_static_root_refused(refusal(root, settings.STATICFILES_DIRS), root)


@pytest.mark.parametrize("kind", ["link", "pipe", "closed file", "closed folder"])
def test_a_file_of_others_that_cannot_be_read_is_refused(
    tmp_path: Path, kind: str
) -> None:
    if kind.startswith("closed") and os.geteuid() == 0:
        pytest.skip("root may read everything")
    root = tmp_path / "collected"
    collect_static(root)
    extra = root / "chat" / "extra"
    if kind == "link":
        extra.symlink_to("nowhere")
    elif kind == "pipe":
        os.mkfifo(extra)
    else:
        extra.mkdir() if kind == "closed folder" else extra.touch()
        extra.chmod(0)
    line = refusal(root, settings.STATICFILES_DIRS)
    assert line.startswith("STATIC_ROOT must hold only files that can be read")
    assert "'chat/extra'" in line and str(root) in line and "\n" not in line
    extra.chmod(0o700) if kind.startswith("closed") else extra.unlink()
    assert refusal(root, settings.STATICFILES_DIRS) == ""


@pytest.mark.parametrize("program", ["launch", "gunicorn"])
def test_a_program_without_the_files_of_its_pages_ends(
    tmp_path: Path, program: str
) -> None:
    config = ("--config", "python:launch.gunicorn_config", "chatsite.wsgi")
    gunicorn = [sys.executable, "-m", "gunicorn", *config]
    root = tmp_path / "nowhere"
    ran = run(
        launch() if program == "launch" else gunicorn,
        DATA_DIR=str(tmp_path),
        STATIC_ROOT=str(root),
        PORT=str(free_port()),
    )
    [line] = (ran.stdout + ran.stderr).splitlines()
    assert ran.returncode == 2
    assert_static_root_refused(line, root)


def assert_static_root_refused(line: str, root: Path) -> None:
    assert line.startswith("STATIC_ROOT must hold") and str(root) in line
    assert "manage.py collectstatic" in line


def test_what_was_collected_is_enough(tmp_path: Path) -> None:
    """Collect into a folder that does not exist yet."""
    root = tmp_path / "not" / "yet"
    variables = {"DATA_DIR": str(tmp_path), "STATIC_ROOT": str(root)}
    collect = [sys.executable, "manage.py", "collectstatic", "--no-input"]
    ran = run(collect, **variables)
    assert ran.returncode == 0, ran.stderr
    assert refusal(root, settings.STATICFILES_DIRS) == ""
    assert refusal(None, settings.STATICFILES_DIRS) == ""


def test_a_model_that_cannot_be_had_stops_everything_again(tmp_path: Path) -> None:
    start = Start(
        launch(),
        tmp_path / "output",
        DATA_DIR=str(tmp_path / "data"),
        PORT=str(free_port()),
        CHAT_MODEL="/no/such/model",
    )
    try:
        eventually(lambda: start.process.poll() is not None, 60, "the end")
        assert start.process.returncode == 1
        assert "/no/such/model" in start.text
        assert "Traceback" not in start.text
        assert not start.pids()
    finally:
        start.end()


def test_status_says_that_the_site_does_not_run(tmp_path: Path) -> None:
    ran = run(launch("status"), DATA_DIR=str(tmp_path / "data"))
    assert ran.stdout == "The site is not running. Start it with: make run\n", ran
    assert not (tmp_path / "data").exists()
    told = run(launch("status", "--json"), DATA_DIR=str(tmp_path / "data"))
    assert (told.stdout, "DATA_DIR" in told.stderr) == ("", True)
    assert not (tmp_path / "data").exists()
    assert not is_running(tmp_path)
    with hold_instance_lock(tmp_path):
        assert is_running(tmp_path)
    assert not is_running(tmp_path)


def test_a_database_in_use_is_not_moved(tmp_path: Path) -> None:
    """It is the one of this folder, so another folder would be no way out."""
    (tmp_path / "run").mkdir()
    (tmp_path / "chatsite.sqlite3").touch()
    with hold_instance_lock(tmp_path / "run"):
        ran = run(launch("move-database"), DATA_DIR=str(tmp_path), TO="postgres://a/b")
    assert ran.returncode == 1
    assert f"process {os.getpid()}; stop it, so that" in ran.stderr
    assert "choose another folder" not in ran.stderr
