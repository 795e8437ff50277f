"""From SQLite to PostgreSQL with ``make move-database``: nothing is lost on the way."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from chat.services.move_database import MAKING_TABLES
from tests.launch.process_tree import Start, eventually, launch, run
from tests.postgres import empty_database, programs
from tests.processes import free_port
from tests.upgrade.earlier import Release, wait_for_page
from tests.upgrade.furnish import log_in, sign_up
from tests.upgrade.visitor import Visitor
from tests.valkey import Valkey

pytestmark = pytest.mark.timeout(300)
EVERY_MODEL = "from tests import every_model; every_model."


def shell(program: str, environment: dict[str, str]) -> str:
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", program]
    done = run(command, **{k: v for k, v in environment.items() if v})
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(environment: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    return json.loads(shell(f"{EVERY_MODEL}dump()", environment))


def test_everything_is_moved_and_the_site_goes_on(
    tmp_path: Path,
    postgres_server: str,
    migrated: Callable[[Path], str],
    subtests: pytest.Subtests,
) -> None:
    queue = Valkey(tmp_path / "v.sock", tmp_path / "valkey")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "DATA_DIR": str(tmp_path / "data"),
        "REDIS_URL": queue.url,
        "CHAT_MODEL": "scripted",
        "PORT": str(port),
    }
    ann, target = Visitor(url), empty_database(postgres_server)
    queue.start()
    file = tmp_path / "data" / "chatsite.sqlite3"
    file.parent.mkdir()
    migrated(file)
    site = Release.current(**environment)
    with site.web() as web, site.worker(WORKER_SLOTS="2"), site.keeper():
        wait_for_page(url, web)
        sign_up(ann, "ann")
        first = ann.send("gulls über 漢字 🐝")
        ann.wait_for(first["id"], "done")
    shell(f"{EVERY_MODEL}fill()", environment)
    before = rows(environment)
    assert [table for table, found in before.items() if not found] == []

    with subtests.test("a row that PostgreSQL refuses: nothing is moved"):
        refused = move_with_a_long_name(file, target, environment)
        assert "Nothing was moved" in refused
        with psycopg.connect(target) as link:
            assert link.execute("SELECT count(*) FROM chat_user").fetchone() == (0,)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    moved = run(launch("move-database"), TO=target, **environment)
    assert moved.returncode == 0, moved.stderr
    assert target not in moved.stdout
    with subtests.test("every row of every table is there"):
        assert rows(environment | {"DATABASE_URL": target}) == before
    with subtests.test("the source is as it was"):
        assert hashlib.sha256(file.read_bytes()).hexdigest() == digest
    with subtests.test("a second time is refused"):
        again = run(launch("move-database"), TO=target, **environment)
        assert again.returncode == 1
        assert "is not overwritten" in again.stderr
    with subtests.test("and all of it comes back from a backup"):
        restored = restore_elsewhere(environment | {"DATABASE_URL": target}, tmp_path)
        assert rows(restored) == before
    there = Release.current(**environment | {"DATABASE_URL": target})
    with there.web() as web, there.worker(WORKER_SLOTS="2"), there.keeper():
        wait_for_page(url, web)
        with subtests.test("a session goes on, and passwords log in"):
            assert "ann" in ann.get("/account/").text
            assert log_in(Visitor(url), "ann").status == 303
        with subtests.test("search finds what was said, and what is said now"):
            more = ann.send("terns are new here", first["conversation"])
            assert ann.wait_for(more["id"])["state"] == "done"
            for word in ("漢字", "terns"):
                assert (
                    first["conversation"] in ann.get(f"/search/?q={quote(word)}").body
                )
    queue.stop()


def move_with_a_long_name(file: Path, target: str, environment: dict[str, str]) -> str:
    """What is said where a name is longer than its column; then the name is as before."""
    change = "UPDATE chat_user SET username = ? WHERE username = ?"
    with closing(sqlite3.connect(file)) as source:
        source.execute(change, ["x" * 300, "ann"])
        source.commit()
        refused = run(launch("move-database"), TO=target, **environment)
        source.execute(change, ["ann", "x" * 300])
        source.commit()
        source.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    return refused.stderr


def restore_elsewhere(environment: dict[str, str], folder: Path) -> dict[str, str]:
    """Take a backup and restore it into another database; the variables of that."""
    environment |= {"PATH": f"{programs()}:{os.environ['PATH']}", "REDIS_URL": ""}
    backup = str(folder / "backup.tar.gz")
    other = environment | {
        "DATA_DIR": str(folder / "restored"),
        "DATABASE_URL": empty_database(environment["DATABASE_URL"]),
    }
    for command, where in (("backup", environment), ("restore", other)):
        done = run(launch(command, backup), **where)
        assert done.returncode == 0, done.stderr
    return other


@pytest.fixture
def small_site(tmp_path: Path, migrated: Callable[[Path], str]) -> dict[str, str]:
    (tmp_path / "data").mkdir()
    migrated(tmp_path / "data" / "chatsite.sqlite3")
    return {"DATA_DIR": str(tmp_path / "data"), "CHAT_MODEL": "scripted"}


def test_nothing_is_moved_where_something_could_be_lost(
    small_site: dict[str, str],
    tmp_path: Path,
    postgres_server: str,
    subtests: pytest.Subtests,
) -> None:
    def refusal(to: str) -> str:
        done = run(launch("move-database"), TO=to, **small_site)
        assert done.returncode != 0
        assert len(done.stderr.splitlines()) == 1
        return done.stderr

    with subtests.test("into a database of another program"):
        other = empty_database(postgres_server)
        with psycopg.connect(other, autocommit=True) as link:
            link.execute("CREATE TABLE other (id int)")
        assert "another program" in refusal(other)
        with psycopg.connect(other) as link:
            found = link.execute(
                "SELECT tablename FROM pg_tables WHERE tablename !~ '^(pg|sql)_'"
            )
            assert found.fetchall() == [("other",)]
    with subtests.test("nowhere, or to SQLite"):
        assert "TO=postgres://" in refusal("")
        assert "PostgreSQL" in refusal(f"sqlite:///{tmp_path}/other.sqlite3")
    with subtests.test("a table that no model knows"):
        with closing(sqlite3.connect(tmp_path / "data" / "chatsite.sqlite3")) as source:
            source.execute("CREATE TABLE forgotten (id int)")
        assert "'forgotten'" in refusal(empty_database(postgres_server))


def test_a_move_is_tried_again_where_one_was_interrupted(
    small_site: dict[str, str], tmp_path: Path, postgres_server: str
) -> None:
    """One made only some tables; another is ended by Ctrl-C while it makes the rest."""
    target = empty_database(postgres_server)
    some = [sys.executable, "manage.py", "migrate", "-v0", "chat", "0002"]
    made = run(some, **small_site | {"DATABASE_URL": target})
    assert made.returncode == 0, made.stderr
    with psycopg.connect(target, autocommit=True) as link:
        link.execute("SELECT pg_advisory_lock(%s)", [MAKING_TABLES])
        refused = run(launch("move-database"), TO=target, **small_site)
    assert refused.returncode == 1
    assert "try again in a minute" in refused.stderr

    first = Start(launch("move-database"), tmp_path / "said", TO=target, **small_site)
    first.wait_for("making the tables")
    os.killpg(first.process.pid, signal.SIGINT)
    assert first.process.wait() != 0
    eventually(lambda: not first.pids(), 60, "its processes end")
    moved = run(launch("move-database"), TO=target, **small_site)
    assert moved.returncode == 0, moved.stderr
