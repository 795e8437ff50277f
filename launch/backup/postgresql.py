"""Copies a PostgreSQL database with pg_dump, and loads a copy with pg_restore."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatsite.database_url import DJANGO
from launch.backup.sqlite import MIGRATIONS
from launch.errors import LaunchError

KIND = "postgresql"
MEMBER = "chatsite.dump"
IS_EMPTY = """
SELECT NOT EXISTS (
    SELECT FROM pg_class JOIN pg_namespace AS space ON space.oid = relnamespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
)
"""


class Database:
    """The database of a site on a PostgreSQL server."""

    kind, member = KIND, MEMBER

    def __init__(self, found: Mapping[str, Any]) -> None:
        self._found = found

    def copy(self, to: Path) -> list[str]:
        """Copy one state of the database; return its migrations.

        Raises ``LaunchError``.
        """
        migrations = [str(row[0]) for row in self._ask(MIGRATIONS)]
        self._run(
            "pg_dump", "--format=custom", "--no-owner", "--no-acl", f"--file={to}"
        )
        return migrations

    def check_empty(self) -> None:
        """Raise ``LaunchError`` if the database holds anything."""
        if self._ask(IS_EMPTY) != [(True,)]:
            raise LaunchError(
                "The database at DATABASE_URL is not empty, and is not overwritten: "
                "make an empty one (createdb) and name it."
            )

    def check(self, copy: Path) -> None:
        """Raise ``LaunchError`` if pg_restore cannot read the copy."""
        _run(["pg_restore", "--list", str(copy)], {**os.environ})

    def put_in_place(self, copy: Path) -> None:
        """Load the copy in one transaction. Raises ``LaunchError``."""
        self._run(
            *("pg_restore", "--single-transaction", "--exit-on-error"),
            *("--no-owner", "--no-acl", str(copy)),
        )

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        import psycopg

        try:
            with psycopg.connect(self._address(), password=self._password) as link:
                return link.execute(query.encode()).fetchall()
        except psycopg.Error as error:
            reason = " ".join(str(error).split())
            raise LaunchError(f"Cannot read the database: {reason}.") from None

    def _run(self, program: str, *options: str) -> None:
        """Run a program of PostgreSQL; it finds the password in its environment."""
        environment = {**os.environ}
        if self._password:
            environment["PGPASSWORD"] = self._password
        _run([program, f"--dbname={self._address()}", *options], environment)

    @property
    def _password(self) -> str | None:
        return str(self._found["PASSWORD"]) or None

    def _address(self) -> str:
        """Return the connection string, without the password: others see arguments."""
        from psycopg.conninfo import make_conninfo

        found, options = self._found, self._found.get("OPTIONS", {})
        named = {
            "host": found["HOST"],
            "port": found["PORT"],
            "user": found["USER"],
            "dbname": found["NAME"],
        }
        more = {name: is_ for name, is_ in options.items() if name not in DJANGO}
        return make_conninfo("", **{k: v for k, v in (named | more).items() if v})


def _run(command: list[str], environment: dict[str, str]) -> None:
    program = command[0]
    if not shutil.which(program):
        raise LaunchError(
            f"{program} is missing: install PostgreSQL's client programs, of the "
            "server's version or a newer one."
        )
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        reason = (done.stderr.strip() or "no reason given").splitlines()[0]
        raise LaunchError(f"{reason}.")
