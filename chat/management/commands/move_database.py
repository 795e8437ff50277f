"""Moves a site from SQLite to PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection, connections

from chat.services.move_database import (
    CannotMove,
    check_source,
    check_target,
    has_tables,
    move,
)
from chatsite.databases import postgresql_settings

ALIAS = "target"


class Command(BaseCommand):
    """The target is in the environment: other users of the machine see arguments."""

    help = (
        "Copy all rows into the empty PostgreSQL database that TO=postgres://… names."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Copy everything, or nothing. Raises ``CommandError``."""
        to = os.environ.get("TO", "").strip()
        if connection.vendor != "sqlite":
            raise CommandError("The site is not on SQLite: use pg_dump and pg_restore.")
        try:
            _connect(to)
            check_source()
            if not has_tables(ALIAS):
                self.stdout.write("making the tables")
                _migrate(to)
            check_target(ALIAS)
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


def _migrate(to: str) -> None:
    """Make the tables of the target, in a process of its own. Raises ``CannotMove``."""
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity=0"],
        env={**os.environ, "DATABASE_URL": to},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise CannotMove(f"Cannot make the tables: {reason}")
