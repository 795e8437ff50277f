"""Copies a SQLite database while it is written to, and puts a copy in place."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from chatsite.database_file import SUFFIXES
from chatsite.durable_file import sync
from launch.errors import LaunchError

KIND = "sqlite"
MEMBER = "chatsite.sqlite3"
MIGRATIONS = "SELECT name FROM django_migrations WHERE app = 'chat' ORDER BY name"


class Database:
    """The database file of a site."""

    kind, member = KIND, MEMBER

    def __init__(self, found: Mapping[str, Any]) -> None:
        self._path = Path(str(found["NAME"]))

    def copy(self, to: Path) -> list[str]:
        """Copy one state of the database; return its migrations.

        Writers go on meanwhile. Pages that are free, and texts that were erased, do not
        get into the copy. Raises ``LaunchError``.
        """
        if not self._path.exists():
            raise LaunchError(f"There is no site to back up: {self._path} is missing.")
        try:
            with closing(_open(self._path)) as source:
                source.execute("VACUUM INTO ?", [str(to)])
            with closing(_open(to)) as copy:
                return [name for (name,) in copy.execute(MIGRATIONS)]
        except sqlite3.Error as error:
            raise LaunchError(f"Cannot copy {self._path}: {error}.") from None

    def check_empty(self) -> None:
        """Raise ``LaunchError`` if there is a database already."""
        for suffix in SUFFIXES:
            if Path(f"{self._path}{suffix}").exists():
                raise LaunchError(
                    f"{self._path}{suffix} exists, and is not overwritten: choose an "
                    "empty folder with DATA_DIR, or move the file away."
                )

    def check(self, copy: Path) -> None:
        """Raise ``LaunchError`` if the copy is no intact database."""
        try:
            with closing(_open(copy)) as database:
                (said,) = database.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.Error as error:
            said = str(error)
        if said != "ok":
            raise LaunchError(f"The database in the backup is damaged: {said}.")

    def put_in_place(self, copy: Path) -> None:
        """Move the copy to where the site looks for it, or leave nothing there."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            shutil.move(copy, self._path)
            sync(self._path)
            sync(self._path.parent)
        except BaseException:
            self._path.unlink(missing_ok=True)
            raise


def _open(path: Path) -> sqlite3.Connection:
    uri = f"file:{quote(str(path))}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=60, isolation_level=None)
