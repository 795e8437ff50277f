"""What stands in the tables of a site's database, read without its code."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

#: The words of all tables that Django makes; those of the search index are no tables.
OURS = ("chat_", "django_")
#: Grows with each migration.
MIGRATIONS = "django_migrations"

Rows = dict[str, list[dict[str, Any]]]


def rows_of(database_url: str, data_dir: Path) -> Rows:
    """All rows of all tables, each as its values by column."""
    if database_url:
        link: Any = psycopg.connect(database_url)
        names = "SELECT tablename FROM pg_tables"
    else:
        link = sqlite3.connect(data_dir / "chatsite.sqlite3")
        names = "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE TABLE%'"
    with closing(link):
        found = [name for (name,) in link.execute(names) if name.startswith(OURS)]
        return {name: _read(link, name) for name in found if name != MIGRATIONS}


def lost(before: Rows, after: Rows) -> list[str]:
    """Rows that are not there any more as they were; new columns do not matter."""
    return [
        f"{table}: {row}"
        for table, rows in before.items()
        for row in _missing(rows, after.get(table, []))
    ]


def _missing(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    columns = before[0].keys() if before else ()
    kept = Counter(str([row.get(name) for name in columns]) for row in after)
    there = Counter(str([row[name] for name in columns]) for row in before)
    return list(there - kept)


def _read(link: Any, table: str) -> list[dict[str, Any]]:
    cursor = link.execute(f'SELECT * FROM "{table}"')
    columns = [column[0] for column in cursor.description]
    return [dict(zip(columns, row, strict=True)) for row in cursor]
