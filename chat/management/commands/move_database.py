"""Moves a site from SQLite to PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection, connections

from chat.services.move_database import (
    CannotMove,
    check_source,
    check_target,
    make_tables,
    move,
)
from chatsite.databases import postgresql_settings

ALIAS = "target"


class Command(BaseCommand):
    """The target is in the environment: other users of the machine see arguments."""

    help = (
        "Copy all rows into the empty PostgreSQL database that TO=postgres://… names."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the option of the process that makes the tables."""
        parser.add_argument(
            "--make-tables",
            action="store_true",
            help="Only make the tables, in the site's own database.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Copy everything, or nothing. Raises ``CommandError``."""
        if options["make_tables"]:
            _make_tables_here()
        else:
            self._move()

    def _move(self) -> None:
        to = os.environ.get("TO", "").strip()
        if connection.vendor != "sqlite":
            raise CommandError("The site is not on SQLite: use pg_dump and pg_restore.")
        try:
            _connect(to)
            check_source()
            check_target(ALIAS)
            self.stdout.write("making the tables")
            self.stdout.flush()
            _make_tables(to)
            move(ALIAS, self._report)
        except (CannotMove, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            reason = str(error).splitlines()[0]  # the others may quote texts
            raise CommandError(f"Nothing was moved: {reason}") from None
        self.stdout.write(
            "Everything is moved. Start the site with DATABASE_URL as you wrote TO; "
            "the SQLite file is as it was."
        )

    def _report(self, table: str, rows: int) -> None:
        if rows:
            self.stdout.write(f"{rows:>10,}  {table}")


def _connect(to: str) -> None:
    """Make the database at this URL known to Django. Raises ``CommandError``."""
    if not to:
        raise CommandError("Name the target: TO=postgres://user:password@host/name")
    found = {**connections.settings, ALIAS: postgresql_settings(to, "TO")}
    connections.settings[ALIAS] = connections.configure_settings(found)[ALIAS]


def _make_tables_here() -> None:
    """Make the tables in the site's database. Raises ``CommandError``."""
    try:
        make_tables()
    except (CannotMove, DatabaseError) as error:
        raise CommandError(str(error).splitlines()[0]) from None


def _make_tables(to: str) -> None:
    """Make the tables that the target lacks, in a process whose site it is.

    Ctrl-C does not reach that process, and it goes on if this one ends: between two
    migrations, or within one, it would leave what the next move cannot migrate.
    Raises ``CannotMove``.
    """
    with subprocess.Popen(
        [sys.executable, "manage.py", "move_database", "--make-tables"],
        env={**os.environ, "DATABASE_URL": to},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as making:
        _, said = making.communicate()
    if making.returncode != 0:
        reason = (said.strip() or "no reason given").splitlines()[-1]
        reason = reason.removeprefix("CommandError: ")
        raise CannotMove(f"Cannot make the tables: {reason}")
