"""One migration for all test processes: the first does it, the others copy its result.

Each process still migrates its copy, in which nothing is left to do. The copies are
kept, and end with their folder or their server.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from io import TextIOWrapper
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.environment import FOLDER
from tests.processes import Program

#: On PostgreSQL the name of the database that is copied.
MIGRATED = "migrated"
MIGRATE_SECONDS = 60


class Original:
    """What is copied. Locked while it may still be missing."""

    def __init__(self, folder: Path, lock: TextIOWrapper) -> None:
        self.file = folder / f"{MIGRATED}.sqlite3"
        self._lock = lock
        fcntl.flock(lock, fcntl.LOCK_EX)

    def use(self) -> None:
        """Let Django begin with a copy, or with nothing if there is none to copy."""
        test = connection.settings_dict["TEST"]
        if connection.vendor == "sqlite":
            # In a file, as it is used: in memory it knows no waiting for a lock.
            test["NAME"] = str(FOLDER / "test.sqlite3")
        if self.file.exists():
            self._unlock()
            if connection.vendor == "sqlite":
                shutil.copyfile(self.file, test["NAME"])
            else:
                test["TEMPLATE"] = MIGRATED

    def make(self) -> None:
        """Keep what Django has just migrated, unless it began with a copy.

        It migrates nothing where no test of this run uses its database.
        """
        if self.file.exists():
            return
        if not connection.introspection.table_names():
            self._unlock()
            return
        name = connection.settings_dict["NAME"]
        if connection.vendor == "sqlite":
            # One file, whatever stands beside it.
            with closing(sqlite3.connect(name)) as source:
                source.execute("VACUUM INTO ?", [str(self.file)])
        else:
            # PostgreSQL copies no database that has connections.
            connection.close()
            with connection._nodb_cursor() as cursor:
                cursor.execute(f'CREATE DATABASE "{MIGRATED}" TEMPLATE "{name}"')
            self.file.touch()
        self._unlock()

    def make_by_program(self) -> None:
        """Migrate a file of its own where no test of this run has migrated one."""
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        if not self.file.exists():
            half_made = self.file.with_suffix(".half")
            environment = {"DATABASE_URL": f"sqlite:///{half_made}"}
            with Program("manage.py", "migrate", "-v", "0", **environment) as migrate:
                assert migrate.process.wait(MIGRATE_SECONDS) == 0, migrate.log
            half_made.replace(self.file)
        self._unlock()

    def _unlock(self) -> None:
        fcntl.flock(self._lock, fcntl.LOCK_UN)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Original]:
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with (folder / f"{MIGRATED}.lock").open("w") as lock:
        yield Original(folder, lock)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    return True


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, original: Original
) -> None:
    original.use()


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, original: Original
) -> None:
    with django_db_blocker.unblock():
        original.make()


@pytest.fixture(scope="session")
def migrated(django_db_setup: None, original: Original) -> Callable[[Path], str]:
    """Copy the migrated SQLite file, for processes that serve another; the URL of the
    copy."""

    original.make_by_program()

    def copy(to: Path) -> str:
        shutil.copyfile(original.file, to)
        return f"sqlite:///{to}"

    return copy
