from __future__ import annotations

import errno
import os
import sqlite3
import sys
import threading
import uuid
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from chat.models import User
from chatsite.sqlite.shared_sync import SharedSync
from chatsite.writer_limit import writer_limit

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own lock"),
]


def in_thread(body: Callable[[], None]) -> threading.Thread:
    """Run a function in a thread with a connection of its own."""

    def run() -> None:
        try:
            body()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def write() -> None:
    with transaction.atomic():
        pass


def test_writers_of_one_process_come_one_after_another() -> None:
    inside, most = 0, 0

    def body() -> None:
        nonlocal inside, most
        for _ in range(50):
            with transaction.atomic():
                inside += 1
                most = max(most, inside)
                inside -= 1

    for thread in [in_thread(body) for _ in range(8)]:
        thread.join()
    assert most == 1


def test_a_writer_begins_when_the_one_before_commits() -> None:
    order: list[str] = []

    def second() -> None:
        with transaction.atomic():
            order.append("second")

    with transaction.atomic():
        thread = in_thread(second)
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_turn_is_passed_on_after_a_rollback_and_before_commit_hooks() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        raise ZeroDivisionError
    in_thread(write).join(5)
    with transaction.atomic():
        # Commit hooks talk to Redis, and other writers must not wait for that.
        transaction.on_commit(lambda: in_thread(write).join(5))
    write()


def test_a_turn_is_passed_on_when_a_connection_is_closed_amid_a_transaction() -> None:
    def body() -> None:
        transaction.atomic().__enter__()
        connection.close()

    in_thread(body).join()
    write()


def test_a_writer_that_waited_too_long_gets_an_error() -> None:
    errors: list[str] = []

    def body() -> None:
        connection.settings_dict["OPTIONS"]["timeout"] = 0.1
        with pytest.raises(OperationalError) as raised:
            write()
        errors.append(str(raised.value))

    before = connection.settings_dict["OPTIONS"]["timeout"]
    try:
        with transaction.atomic():
            in_thread(body).join()
    finally:
        connection.settings_dict["OPTIONS"]["timeout"] = before
    assert "locked" in errors[0]
    write()


def test_a_commit_is_on_disk_before_anything_is_acknowledged() -> None:
    """With NORMAL a power cut would lose the last commits."""
    modes = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}
    with connection.cursor() as cursor:
        for pragma, expected in modes.items():
            cursor.execute(f"PRAGMA {pragma}")
            assert cursor.fetchone() == (expected,)


def synchronous() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous")
        return int(cursor.fetchone()[0])


FULL = 2


@pytest.mark.skipif(sys.platform != "linux", reason="shared on Linux alone")
def test_a_write_is_synced_before_it_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    sync = os.fdatasync

    def noted(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    monkeypatch.setattr("os.fdatasync", noted)
    log = f"{connection.settings_dict['NAME']}-wal"
    with transaction.atomic():
        User.objects.guest(uuid.uuid4())
        assert synced == []
    assert synced == [log]
    User.objects.update(network="")
    assert synced == [log, log]
    assert synchronous() == FULL
    with suppress(ZeroDivisionError), transaction.atomic():
        User.objects.guest(uuid.uuid4())
        raise ZeroDivisionError
    assert (synced, synchronous()) == ([log, log], FULL)


@pytest.mark.skipif(sys.platform != "linux", reason="shared on Linux alone")
def test_a_failed_sync_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("os.fdatasync", broken)
        with pytest.raises(OperationalError, match="cannot sync"), transaction.atomic():
            User.objects.guest(uuid.uuid4())
    write()
    assert synchronous() == FULL


def test_writers_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next sync serves all writers that come while one is running."""
    log = tmp_path / "x-wal"
    log.touch()
    shared, count, runs = SharedSync(str(log)), 0, threading.Event()
    goes_on = threading.Event()

    def slow(_: int) -> None:
        nonlocal count
        count += 1
        runs.set()
        assert goes_on.wait(30)

    monkeypatch.setattr("os.fdatasync", slow)
    threads = [threading.Thread(target=shared.wait) for _ in range(8)]
    threads[0].start()
    assert runs.wait(30)
    for thread in threads[1:]:
        thread.start()
    while shared._asked < len(threads):
        pass
    goes_on.set()
    for thread in threads:
        thread.join(30)
    assert count == 2


def test_a_writer_that_waits_for_another_process_blocks_no_thread_that_frees_a_cursor(
    until: Callable[..., None],
) -> None:
    """Python's garbage collector frees cursors in any thread."""
    kept: list[Any] = []

    def body() -> None:
        connection.ensure_connection()
        kept.append(connection.connection.execute("SELECT 1 UNION SELECT 2"))
        write()

    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as other:
        other.execute("BEGIN IMMEDIATE")
        thread = in_thread(body)
        until(lambda: kept and writer_limit._since)
        kept.clear()
        assert thread.is_alive()
        other.rollback()
    thread.join()


def test_a_write_outside_a_transaction_waits_for_its_turn_too() -> None:
    order: list[str] = []

    def second() -> None:
        User.objects.filter(username="nobody").update(email="")
        order.append("second")

    with transaction.atomic():
        thread = in_thread(second)
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
