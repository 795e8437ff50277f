"""A full disk is told from a busy database, on both databases."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from django.db import OperationalError
from psycopg.errors import DiskFull, LockNotAvailable

from chat.http.database_errors import is_disk_full


def wrapped(cause: Exception) -> OperationalError:
    """The error as Django raises it."""
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("cause", "is_full"),
    [
        (DiskFull("could not extend file: No space left on device"), True),
        (LockNotAvailable("canceling statement due to lock timeout"), False),
        (sqlite3.OperationalError("database is locked"), False),
    ],
)
def test_only_what_has_no_room_is_a_full_disk(cause: Exception, is_full: bool) -> None:
    assert is_disk_full(wrapped(cause)) == is_full


def test_a_database_that_may_not_grow_is_a_full_disk(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "full.sqlite3")
    database.execute("PRAGMA max_page_count = 1")
    with pytest.raises(sqlite3.OperationalError) as caught:
        database.execute("CREATE TABLE more (text)")
    database.close()
    assert is_disk_full(wrapped(caught.value))
