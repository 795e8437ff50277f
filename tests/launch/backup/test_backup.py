"""A backup of a running site, restored into another folder, on both databases."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from launch.backup import archive, postgresql
from launch.backup.archive import Manifest
from launch.backup.site_data import BACKUPS, KEPT, REBUILT, SECRET_KEY
from launch.backup.take import publish
from tests.environment import IS_SOAK
from tests.launch.process_tree import Start, eventually, launch, run, with_tables
from tests.postgres import empty_database, programs
from tests.processes import free_port
from tests.upgrade.visitor import Visitor

pytestmark = pytest.mark.timeout(300)
GUESTS = 3
#: So long that only a stop ends it.
SLOW = "still being written [words=5000] [delay=0.1]"
LIMITS = ("MESSAGES_PER_MINUTE", "MESSAGES_PER_DAY", "REPLIES_WAITING")
COMMON = {
    "CHAT_MODEL": "scripted",
    "WORKER_GRACE_SECONDS": "1",
    "WORKERS": "1",
    **{f"{whose}_{kind}": "off" for whose in ("GUEST", "NETWORK") for kind in LIMITS},
}
DATABASE_FILES = ("chatsite.sqlite3", "chatsite.sqlite3-wal", "chatsite.sqlite3-shm")

Starter = Callable[..., Start]


@pytest.fixture
def start(tmp_path: Path, migrated: Callable[[Path], str]) -> Iterator[Starter]:
    started: list[Start] = []

    def begin(**variables: str) -> Start:
        if "DATABASE_URL" not in variables:
            with_tables(Path(variables["DATA_DIR"]), migrated)
        output = tmp_path / f"output-{len(started)}"
        started.append(Start(launch(), output, **COMMON, **variables))
        started[-1].wait_for(r"^ready: http")
        return started[-1]

    yield begin
    for one in started:
        one.end()


@dataclass
class Guest:
    """Sends one message after the other, and notes those that were acknowledged."""

    visitor: Visitor
    acknowledged: list[tuple[str, str]] = field(default_factory=list)

    def send(self) -> None:
        text = f"message {len(self.acknowledged)}"
        self.acknowledged.append((text, self.visitor.send(text)["conversation"]))


@contextmanager
def sending(guests: list[Guest]) -> Iterator[None]:
    ended = threading.Event()

    def send_on(guest: Guest) -> None:
        while not ended.is_set():
            guest.send()

    threads = [threading.Thread(target=send_on, args=[guest]) for guest in guests]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def two_databases(kind: str, request: pytest.FixtureRequest) -> list[dict[str, str]]:
    """The variables of the database of a site, and of that which is restored."""
    if kind == "sqlite":
        return [{}, {}]
    server = request.getfixturevalue("postgres_server")
    path = f"{programs()}:{os.environ['PATH']}"
    return [{"DATABASE_URL": empty_database(server), "PATH": path} for _ in range(2)]


def at(visitor: Visitor, port: int) -> Visitor:
    """The same browser, with its cookies, at another port."""
    return Visitor(f"http://127.0.0.1:{port}", **visitor.cookies)


#: On PostgreSQL, `tests/launch/test_move_database.py` restores rows of every kind.
@pytest.mark.parametrize("kind", ["sqlite", *(["postgresql"] if IS_SOAK else [])])
def test_a_backup_has_all_that_was_acknowledged_and_its_replies_go_on(
    kind: str, start: Starter, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Guests send all the while; a reply is being written, and others wait for it."""
    port, again = free_port(), free_port()
    first, second = (
        {"DATA_DIR": str(tmp_path / name), **database}
        for name, database in zip(
            ("data", "restored"), two_databases(kind, request), strict=True
        )
    )
    backup = tmp_path / "backup.tar.gz"
    site = start(PORT=str(port), **first)
    url = f"http://127.0.0.1:{port}"
    writer = Visitor(url)
    slow = writer.send(SLOW)
    held = writer.send("held behind it", slow["conversation"])
    writer.wait_for(slow["id"], "running")
    guests = [Guest(Visitor(url)) for _ in range(GUESTS)]
    with sending(guests):
        eventually(lambda: all(len(g.acknowledged) > 4 for g in guests), 30, "sends")
        before = [list(guest.acknowledged) for guest in guests]
        taken = run(launch("backup", str(backup)), **COMMON, **first)
        assert taken.returncode == 0, taken.stderr
    assert str(backup) in taken.stdout
    assert all(
        len(g.acknowledged) > len(b) for g, b in zip(guests, before, strict=True)
    )
    running = run(launch("restore", str(backup)), **COMMON, **first)
    assert (running.returncode, running.stderr[:15]) == (1, "Already running")
    site.end()

    restored = run(launch("restore", str(backup)), **COMMON, **second)
    assert restored.returncode == 0, restored.stderr
    start(PORT=str(again), **second)
    for guest, sent in zip(guests, before, strict=True):
        visitor = at(guest.visitor, again)
        for text, conversation in sent:
            assert text in visitor.get(f"/c/{conversation}/").text
    writer = at(writer, again)
    assert writer.wait_for(slow["id"], "running")["text"]
    assert writer.call(f"replies/{slow['id']}/stop", {}).status == 202
    assert writer.wait_for(slow["id"])["state"] == "stopped"
    assert writer.call(f"replies/{held['id']}/proceed", {}).status == 202
    assert writer.wait_for(held["id"])["state"] == "done"
    files = {one.name for one in Path(first["DATA_DIR"]).iterdir()}
    assert files - {*KEPT, *REBUILT, *DATABASE_FILES} == set(), "kept, or rebuilt?"
    # Once more is refused, and says what to do.
    refused = run(launch("restore", str(backup)), **COMMON, **first)
    assert refused.returncode == 1
    assert "is not overwritten" in refused.stderr


@pytest.fixture
def backup(tmp_path: Path, migrated: Callable[[Path], str]) -> Path:
    """Of a site that was never started. Another backup of it was killed."""
    environment = {"DATA_DIR": str(tmp_path / "data"), **COMMON}
    (tmp_path / "data").mkdir()
    migrated(tmp_path / "data" / "chatsite.sqlite3")
    abandoned = tmp_path / "data" / BACKUPS / ".backup-killed"
    abandoned.mkdir(parents=True)
    os.utime(abandoned, (0, 0))
    taken = run(launch("backup"), **environment)
    assert taken.returncode == 0, taken.stderr
    (path,) = abandoned.parent.iterdir()
    return path


@pytest.mark.usefixtures("backup")
def test_a_backup_goes_into_the_folder_or_the_file_that_is_named(
    tmp_path: Path,
) -> None:
    """Its ending decides, whether or not it exists."""
    site = {"DATA_DIR": str(tmp_path / "data"), **COMMON}
    folder, file = tmp_path / "safe" / "one", tmp_path / "named.tgz"
    for into in (folder, file):
        taken = run(launch("backup", str(into)), **site)
        assert taken.returncode == 0, taken.stderr
    assert [one.name[:9] for one in folder.iterdir()] == ["chatsite-"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    other = tmp_path / "other"
    other.write_text("kept")
    for into in (file, other):
        refused = run(launch("backup", str(into)), **site)
        assert refused.returncode == 1
        assert refused.stderr == f"{into} exists, and is not overwritten.\n"
    assert other.read_text() == "kept"


def test_restore_refuses_what_would_lose_something(
    backup: Path, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    def refusal(folder: str, path: Path = backup, **more: str) -> str:
        into = {"DATA_DIR": str(tmp_path / folder), **COMMON, **more}
        done = run(launch("restore", str(path)), **into)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        assert not (tmp_path / folder / "chatsite.sqlite3").exists() or folder == "data"
        return done.stderr

    with subtests.test("a folder with a site"):
        assert "exists, and is not overwritten" in refusal("data")
    with subtests.test("a folder with a database alone"):
        (tmp_path / "half").mkdir()
        (tmp_path / "half" / "chatsite.sqlite3-wal").touch()
        assert "chatsite.sqlite3-wal exists" in refusal("half")
    with subtests.test("a file that is cut"):
        cut = tmp_path / "cut.tar.gz"
        cut.write_bytes(backup.read_bytes()[:-9000])
        assert "no backup of chatsite, or it is damaged" in refusal("new", cut)
    with subtests.test("a file that is missing"):
        missing = tmp_path / "none"
        why = f"Cannot restore: {missing}: No such file or directory.\n"
        assert refusal("new", missing) == why
    with subtests.test("a backup without the secret key"):
        keyless = tmp_path / "keyless.tar.gz"
        archive.write(keyless, Manifest("2026-11-30", "sqlite", []), {})
        assert "set SECRET_KEY" in refusal("new", keyless)
    with subtests.test("another kind of database"):
        other = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
        assert "make move-database" in refusal("new", **other)
    with subtests.test("a Redis that is away"):
        away = {"REDIS_URL": f"unix://{tmp_path}/none.sock"}
        assert "Cannot reach Redis" in refusal("new", **away)
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["run"]
    done = run(launch("restore", str(backup)), DATA_DIR=str(tmp_path / "new"))
    assert done.returncode == 0, done.stderr
    both = [(tmp_path / one / "secret_key").read_text() for one in ("data", "new")]
    assert both[0] == both[1]


def test_a_backup_is_written_beside_others(
    backup: Path, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    environment = {"DATA_DIR": str(tmp_path / "data"), **COMMON}
    before = backup.read_bytes()
    with subtests.test("a file that exists is refused"):
        refused = run(launch("backup", str(backup)), **environment)
        assert refused.returncode == 1
        assert refused.stderr == f"{backup} exists, and is not overwritten.\n"
    with subtests.test("two of one second have two names"):
        assert publish(backup, [backup, tmp_path / "second"]) == tmp_path / "second"
    assert backup.read_bytes() == before
    assert [*backup.parent.iterdir()] == [backup]


@pytest.mark.parametrize("command", ["backup", "move-database"])
def test_a_folder_without_a_site_stays_as_it_is(command: str, tmp_path: Path) -> None:
    typo = tmp_path / "typo"
    database = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    for more in ({}, database):
        refused = run(launch(command), DATA_DIR=str(typo), **more)
        assert refused.returncode == 1
        assert "There is no site" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
    assert not typo.exists()


def test_a_restore_that_fails_can_be_tried_again(
    tmp_path: Path, postgres_server: str
) -> None:
    """pg_restore lists the parts of a dump that is cut, and cannot load it."""
    path = f"{programs()}:{os.environ['PATH']}"
    source, target = (empty_database(postgres_server) for _ in range(2))
    with psycopg.connect(source, autocommit=True) as link:
        link.execute("CREATE TABLE numbers AS SELECT generate_series(1, 9999) AS one")
    dump, key = tmp_path / postgresql.MEMBER, tmp_path / SECRET_KEY
    pg_dump = [str(programs() / "pg_dump"), "-Fc", f"--file={dump}", source]
    assert run(pg_dump).returncode == 0
    key.write_text("k" * 60)
    whole = dump.read_bytes()
    data = tmp_path / "data"
    for name, part in (("cut", whole[:-2000]), ("whole", whole)):
        dump.write_bytes(part)
        members = {one.name: one for one in (dump, key)}
        archive.write(
            tmp_path / name, Manifest("2026-11-30", postgresql.KIND, []), members
        )
        done = run(
            launch("restore", str(tmp_path / name)),
            DATA_DIR=str(data),
            DATABASE_URL=target,
            PATH=path,
        )
        assert done.returncode == (name == "cut"), done.stderr
        assert (data / SECRET_KEY).exists() == (name == "whole")
