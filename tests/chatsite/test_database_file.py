"""The database is in its folder and closed, also one of an earlier version."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatsite.database_file import NAME, earlier_place, prepare_file
from tests.processes import ROOT

KEY = "k" * 40


def make_database(path: Path, word: str = "kept", *, is_ours: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        table = "chat_message" if is_ours else "notes"
        connection.execute(f"CREATE TABLE {table} (text)")
        connection.execute(f"INSERT INTO {table} VALUES (?)", [word])
        connection.commit()


def words_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT text FROM chat_message")]


@pytest.fixture(autouse=True)
def unnamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)


@pytest.mark.parametrize(
    "name", ["c++", "why?", "notes #1", "%41bc", "a+b #c", "deep #1/folder"]
)
def test_a_database_of_an_earlier_version_is_moved(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / name
    data.mkdir(parents=True)
    (data / "secret_key").write_text(KEY)
    make_database(earlier_place(data / NAME))
    prepare_file(data / NAME, data)
    assert words_in(data / NAME) == ["kept"]
    assert os.listdir(tmp_path) == [name.split("/")[0]]
    assert str(data / NAME) in capsys.readouterr().err


def test_a_database_that_two_sites_share_is_not_moved(tmp_path: Path) -> None:
    for name in ("notes #1", "notes #2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "secret_key").write_text(KEY)
    make_database(tmp_path / "notes ")
    data = tmp_path / "notes #1"
    with pytest.raises(ImproperlyConfigured, match=r"notes #2'.* Stop both sites"):
        prepare_file(data / NAME, data)
    assert words_in(tmp_path / "notes ") == ["kept"]
    (data / NAME).touch()
    prepare_file(data / NAME, data)


def test_a_database_in_use_is_not_moved(tmp_path: Path) -> None:
    data = tmp_path / "c++"
    data.mkdir()
    make_database(earlier_place(data / NAME))
    with closing(sqlite3.connect(earlier_place(data / NAME))) as user:
        user.execute("SELECT * FROM chat_message").fetchone()
        with pytest.raises(ImproperlyConfigured, match="still in use"):
            prepare_file(data / NAME, data)


@pytest.mark.parametrize("is_ours", [True, False])
def test_only_a_database_of_this_program_is_moved(
    tmp_path: Path, is_ours: bool
) -> None:
    data = tmp_path / "c++"
    make_database(earlier_place(data / NAME), "elsewhere", is_ours=is_ours)
    if is_ours:
        make_database(data / NAME, "here")
    prepare_file(data / NAME, data)
    assert earlier_place(data / NAME).exists()
    assert words_in(data / NAME) == ["here"] if is_ours else not (data / NAME).exists()


def test_a_misplaced_database_of_a_url_is_named_and_not_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/my+db")
    make_database(tmp_path / "my db")
    with pytest.raises(ImproperlyConfigured, match=r"DATABASE_URL.*my%20db"):
        prepare_file(tmp_path / "my+db", tmp_path)


def test_files_in_a_folder_open_to_others_are_closed(tmp_path: Path) -> None:
    """As in a start without make, with a database that was open to others before."""
    tmp_path.chmod(0o755)
    (tmp_path / "own").mkdir(mode=0o755)
    make_database(tmp_path / "own" / NAME)
    (tmp_path / "own" / NAME).chmod(0o644)
    for folder in ("new", "own"):
        (tmp_path / folder).mkdir(exist_ok=True)
        command = [sys.executable, "manage.py", *("migrate", "--fake-initial")]
        subprocess.run(
            [*command, "contenttypes", "--verbosity=0"],
            cwd=ROOT,
            env={**os.environ, "DATA_DIR": str(tmp_path / folder), "DATABASE_URL": ""},
            umask=0o022,
            check=True,
        )
        for file in (tmp_path / folder).rglob("*"):
            assert not stat.S_IMODE(file.stat().st_mode) & 0o077, file


@pytest.mark.parametrize("content", [b"some text", bytes(40_960)])
def test_a_file_that_is_no_database_is_named_and_kept(
    content: bytes, tmp_path: Path
) -> None:
    database = tmp_path / NAME
    database.write_bytes(content)
    with pytest.raises(ImproperlyConfigured, match="put a backup there") as error:
        prepare_file(database, tmp_path)
    assert str(error.value).startswith("DATA_DIR: ")
    assert str(database) in str(error.value)
    assert database.read_bytes() == content


@pytest.mark.parametrize("journal", [None, b"no journal"])
def test_a_file_that_is_no_database_keeps_its_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, journal: bytes | None
) -> None:
    file, beside = tmp_path / "passwd", tmp_path / "passwd-journal"
    file.write_text("root:x:0:0\n")
    file.chmod(0o644)
    if journal:
        beside.write_bytes(journal)
        beside.chmod(0o644)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{file}")
    with pytest.raises(ImproperlyConfigured, match=r"^DATABASE_URL: .* or none\. "):
        prepare_file(file, tmp_path)
    assert {stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()} == {0o644}


def test_files_beside_a_missing_database_keep_their_mode(
    tmp_path: Path,
) -> None:
    beside = tmp_path / f"{NAME}-wal"
    beside.touch(0o644)
    beside.chmod(0o644)
    prepare_file(tmp_path / NAME, tmp_path)
    assert stat.S_IMODE(beside.stat().st_mode) == 0o644


def test_a_special_file_is_named_and_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    pipe.chmod(0o644)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{pipe}")
    with pytest.raises(ImproperlyConfigured, match=r"^DATABASE_URL .*no regular file"):
        prepare_file(pipe, tmp_path)
    assert stat.S_IMODE(pipe.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_journal_can_repair_a_damaged_header(tmp_path: Path) -> None:
    database, journal = tmp_path / NAME, tmp_path / f"{NAME}-journal"
    database.write_bytes(bytes(4096))
    journal.write_bytes(bytes.fromhex("d9d505f920a163d7") + bytes(504))
    prepare_file(database, tmp_path)


def test_a_file_name_need_not_be_utf8(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "contenttypes", "--verbosity=0"],
        cwd=ROOT,
        env={
            **os.environ,
            "DATA_DIR": str(tmp_path / "data"),
            "DATABASE_URL": f"sqlite:///{tmp_path}/caf%E9.db",
        },
        check=True,
    )
    assert b"caf\xe9.db" in os.listdir(os.fsencode(tmp_path))


def test_an_empty_database_with_a_log_is_refused(tmp_path: Path) -> None:
    """SQLite would delete the log, with the data in it."""
    database, log = tmp_path / NAME, tmp_path / f"{NAME}-wal"
    database.touch()
    log.write_bytes(b"a log")
    with pytest.raises(
        ImproperlyConfigured, match=r"^DATA_DIR: .*wal' beside it is not"
    ):
        prepare_file(database, tmp_path)
    assert log.read_bytes() == b"a log"
    log.write_bytes(b"")
    prepare_file(database, tmp_path)
