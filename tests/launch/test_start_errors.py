"""A start that cannot work says why in one line, starts nothing, leaves nothing."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatsite import settings
from chatsite.static_files import package_folders, refusal
from tests.launch.process_tree import ROOT, Start, eventually, launch, run
from tests.processes import free_port


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def refused(tmp_path: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    ran = run(launch(*arguments), **({"DATA_DIR": str(tmp_path / "data")} | variables))
    assert ran.stdout == ""
    assert len(ran.stderr.splitlines()) == 1, ran.stderr
    return ran.returncode, ran.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
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
    ],
)
def test_a_bad_value_names_its_variable(tmp_path: Path, name: str, value: str) -> None:
    status, line = refused(tmp_path, **{name: value})
    assert status == 2
    assert name in line


def test_a_taken_port_is_named_with_the_way_out(
    tmp_path: Path, taken_port: int
) -> None:
    status, line = refused(tmp_path, PORT=str(taken_port))
    assert status == 1
    assert f"port {taken_port} is taken" in line
    assert "make run PORT=" in line


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
        for source in (ROOT / "static", *package_folders()):
            shutil.copytree(source, path, dirs_exist_ok=True)
        (path / kind.removeprefix("without ")).unlink()
    return path


@pytest.mark.parametrize(
    ("kind", "is_server"),
    [
        ("missing", False),
        ("missing", True),
        ("empty", True),
        ("a file", False),
        ("without chat/page.js", True),
        ("without django_htmx/htmx-2.min.js", False),
    ],
)
def test_pages_without_their_files_are_refused(
    tmp_path: Path, kind: str, is_server: bool
) -> None:
    root = made_static_root(tmp_path / "collected", kind)
    config = ("--config", "python:launch.gunicorn_config", "chatsite.wsgi")
    command = [sys.executable, "-m", "gunicorn", *config] if is_server else launch()
    port = str(free_port())
    ran = run(command, DATA_DIR=str(tmp_path), STATIC_ROOT=str(root), PORT=port)
    [line] = (ran.stdout + ran.stderr).splitlines()
    assert ran.returncode == 2
    assert line.startswith("STATIC_ROOT must hold") and str(root) in line
    assert "manage.py collectstatic" in line


def test_what_was_collected_is_enough(tmp_path: Path) -> None:
    """Also into a folder that does not exist yet."""
    root = tmp_path / "not" / "yet"
    variables = {"DATA_DIR": str(tmp_path), "STATIC_ROOT": str(root)}
    collect = [sys.executable, "manage.py", "collectstatic", "--no-input"]
    ran = run(collect, **variables)
    assert ran.returncode == 0, ran.stderr
    assert refusal(root, settings.STATICFILES_DIRS) == ""
    assert refusal(None, settings.STATICFILES_DIRS) == ""


def test_a_damaged_database_is_named_with_the_way_out(tmp_path: Path) -> None:
    database = tmp_path / "chat.sqlite3"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE django_migrations (id, app, name, applied)")
        connection.commit()
    damaged = database.read_bytes()[:4096] + b"damaged" * 600
    database.write_bytes(damaged)
    status, line = refused(
        tmp_path, DATABASE_URL=f"sqlite:///{database}", PORT=str(free_port())
    )
    assert status == 1
    assert f"malformed. '{database}' is left as it is: move it away" in line
    assert database.read_bytes() == damaged


def test_an_unreachable_redis_is_named(tmp_path: Path) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    status, line = refused(tmp_path, REDIS_URL=url, PORT=str(free_port()))
    assert status == 1
    assert line.startswith("Cannot reach Redis at REDIS_URL")


def test_a_password_in_the_address_of_redis_is_not_shown(tmp_path: Path) -> None:
    url = f"redis://:hidden-word@127.0.0.1:{free_port()}/0"
    _, line = refused(tmp_path, REDIS_URL=url, PORT=str(free_port()))
    assert "hidden-word" not in line


def test_a_worker_alone_needs_the_address_of_redis(tmp_path: Path) -> None:
    status, line = refused(tmp_path, "worker")
    assert status == 1
    assert "make worker REDIS_URL=" in line


def test_a_worker_alone_names_an_unreachable_redis(tmp_path: Path) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    status, line = refused(tmp_path, "worker", REDIS_URL=url)
    assert status == 1
    assert line.startswith("Cannot reach Redis at REDIS_URL")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, line = refused(tmp_path, DATA_DIR=str(tmp_path / "file" / "data"))
    assert status == 2
    assert "DATA_DIR" in line and str(tmp_path) in line


def test_a_database_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    url = f"postgres://chat:word@127.0.0.1:{free_port()}/chat"
    status, line = refused(tmp_path, DATABASE_URL=url, PORT=str(free_port()))
    assert status == 1
    assert line.startswith("Cannot prepare the database at DATABASE_URL")


def test_a_model_that_is_not_on_offer_is_refused_at_once(tmp_path: Path) -> None:
    refused = run(launch(), DATA_DIR=str(tmp_path), CHAT_MODEL="no-such-model")
    [line] = (refused.stdout + refused.stderr).splitlines()
    assert refused.returncode == 2
    assert line.startswith(
        "CHAT_MODEL, CHAT_CATALOG: There is no model 'no-such-model'"
    )


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
