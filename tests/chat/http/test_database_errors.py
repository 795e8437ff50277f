"""A disk without room is told from a database that is busy."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.processes import ROOT

#: Files of this process have no room for more than some bytes, as on a full disk.
WITHOUT_ROOM = """
import resource
import django
django.setup()
from django.db import OperationalError, connection
from chat.http.database_errors import is_disk_full
resource.setrlimit(resource.RLIMIT_FSIZE, (8, resource.RLIM_INFINITY))
try:
    connection.cursor()
except OperationalError as error:
    found = f"{error.__cause__.sqlite_errorname} {is_disk_full(error)}"
else:
    found = "opened"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
print(found)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="how files are limited on Linux")
def test_a_disk_on_which_sqlite_cannot_begin_is_full(tmp_path: Path) -> None:
    database = tmp_path / "chatsite.sqlite3"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE something (id)")
    told = subprocess.run(
        [sys.executable, "-c", WITHOUT_ROOM],
        cwd=ROOT,
        env={
            **os.environ,
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{database}",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "SQLITE_IOERR_SHMSIZE True\n"
