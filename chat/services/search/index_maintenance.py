"""The full-text index of SQLite forgets a word only when its parts are merged."""

from __future__ import annotations

from django.db import connection

INDEX = "chat_passage_index"
#: Pages of the index that one step writes: a moment in which nobody else does.
PAGES = 200
#: How long the journal may keep others waiting while it is emptied.
PATIENCE_MS = 100


class IndexMerge:
    """Merges the index in steps, after which it holds no word of what was erased.
    PostgreSQL does as much by itself (vacuum)."""

    def __init__(self) -> None:
        self._has_begun = False

    def step(self) -> bool:
        """One step; whether it was the last."""
        if connection.vendor != "sqlite":
            return True
        # A negative number begins anew with all parts; a positive one goes on.
        pages = PAGES if self._has_begun else -PAGES
        self._has_begun = True
        return not _merge(pages)


def _merge(pages: int) -> bool:
    """Whether that changed anything (SQLite's own way to tell)."""
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
    """Pages as they were before stand in SQLite's journal until it is emptied; False
    while somebody reads them."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return True
    patience = 1000 * connection.settings_dict["OPTIONS"]["timeout"]
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (is_busy, *_) = cursor.fetchone()
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience}")
    return not is_busy
