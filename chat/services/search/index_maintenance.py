"""Removes deleted words from SQLite's full-text index, by merging its segments."""

from __future__ import annotations

from django.db import connection

INDEX = "chat_passage_index"
#: Pages of the index that one step writes; no other process writes meanwhile.
PAGES = 200
#: Milliseconds for which emptying the journal may block other processes.
BUSY_TIMEOUT_MS = 100


class IndexMerge:
    """Merges all segments of the index in steps; then no deleted word is left in it.

    PostgreSQL does the same by itself (vacuum).
    """

    def __init__(self) -> None:
        self._has_started = False

    def step(self) -> bool:
        """Merge a few pages; returns whether it was the last step."""
        if connection.vendor != "sqlite":
            return True
        # FTS5: a negative number starts with all segments, a positive one continues.
        pages = PAGES if self._has_started else -PAGES
        self._has_started = True
        return not _merge(pages)


def _merge(pages: int) -> bool:
    """Whether the merge changed anything, by SQLite's count of changes."""
    with connection.cursor() as cursor:
        before = _changes(cursor)
        cursor.execute(
            f"INSERT INTO {INDEX}({INDEX}, rank) VALUES ('merge', %s)", [pages]
        )
        return _changes(cursor) - before > 1


def _changes(cursor: object) -> int:
    cursor.execute("SELECT total_changes()")  # type: ignore[attr-defined]
    return int(cursor.fetchone()[0])  # type: ignore[attr-defined]


def empty_journal() -> bool:
    """Truncate SQLite's write-ahead log, which may contain deleted texts.

    Returns False while another process reads it.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return True
    busy_timeout = 1000 * connection.settings_dict["OPTIONS"]["timeout"]
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (is_busy, *_) = cursor.fetchone()
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {busy_timeout}")
    return not is_busy
