"""Finds the passages with all words, newest first, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import connection

from chat.models.sql_rows import adapted, rows
from chat.services.search.filters import Filters
from chat.services.search.query_parser import ParsedQuery

#: PostgreSQL scans this many of an owner's newest passages before it uses its index.
NEWEST = 1000
#: Turns an owner's id into a token that no user can type, in the index of SQLite.
OWNER_MARK = "\ue000"
#: Replaced by the condition of ``Filters`` in the queries below.
SHOWN = "{shown}"
#: The oldest and the newest passage of one conversation.
BOUNDS = "SELECT min(id), max(id) FROM chat_passage WHERE conversation_id = %s"

# The index returns its rows newest first, and only as many as needed are read.
SQLITE = f"""
SELECT passage.id
FROM chat_passage_index JOIN chat_passage AS passage
  ON passage.id = chat_passage_index.rowid
WHERE chat_passage_index MATCH %(query)s AND chat_passage_index.rowid < %(before)s
  AND chat_passage_index.rowid >= %(oldest)s
  AND passage.owner_id = %(owner)s AND {SHOWN}
ORDER BY chat_passage_index.rowid DESC LIMIT %(count)s
"""

# For a common word the index would return tens of thousands of rows to be sorted. In
# this case enough of the newest passages contain it.
POSTGRES_NEWEST = f"""
SELECT passage.id FROM (
    SELECT id, conversation_id, message_id, lexemes FROM chat_passage
    WHERE owner_id = %(owner)s AND id < %(before)s AND id >= %(oldest)s
    ORDER BY id DESC LIMIT {NEWEST}
) AS passage
WHERE passage.lexemes @@ %(query)s::tsquery AND {SHOWN}
ORDER BY passage.id DESC LIMIT %(count)s
"""
POSTGRES_OLDEST_OF_THEM = f"""
SELECT id FROM chat_passage
WHERE owner_id = %(owner)s AND id < %(before)s AND id >= %(oldest)s
ORDER BY id DESC OFFSET {NEWEST - 1} LIMIT 1
"""

# MATERIALIZED keeps the planner from scanning all rows of the owner. The order inside
# lets it look at only one page of many rows.
POSTGRES_INDEX = f"""
WITH passage AS MATERIALIZED (
    SELECT id, owner_id, conversation_id, message_id FROM chat_passage
    WHERE lexemes @@ %(query)s::tsquery ORDER BY id DESC
)
SELECT passage.id FROM passage
WHERE passage.owner_id = %(owner)s AND passage.id < %(before)s
  AND passage.id >= %(oldest)s AND {SHOWN}
ORDER BY passage.id DESC LIMIT %(count)s
"""

# A search for filters alone, which no index knows.
POSTGRES_WITHOUT_WORDS = f"""
SELECT passage.id FROM chat_passage AS passage
WHERE passage.owner_id = %(owner)s AND passage.id < %(before)s
  AND passage.id >= %(oldest)s AND {SHOWN}
ORDER BY passage.id DESC LIMIT %(count)s
"""


def find_passages(
    owner: UUID, query: ParsedQuery, filters: Filters, before: int, count: int
) -> list[int]:
    """Ids of at most ``count`` passages older than ``before``, the newest first."""
    shown, parameters = filters.condition()
    asked: dict[str, Any] = {"owner": adapted(owner), "count": count, **parameters}
    asked |= {"before": before, "oldest": 0}
    if filters.conversation:
        [(oldest, newest)] = rows(BOUNDS, (filters.conversation,))
        if oldest is None:
            return []
        asked |= {"before": min(before, newest + 1), "oldest": oldest}
    return OF_VENDOR[connection.vendor](owner, query, shown, asked)


def _on_sqlite(
    owner: UUID, query: ParsedQuery, shown: str, asked: dict[str, Any]
) -> list[int]:
    words = [f'"{word}"' for word in (f"{OWNER_MARK}{owner.hex}", *query.words)]
    match = " AND ".join((*words, *(f'"{prefix}" *' for prefix in query.prefixes)))
    return _ids(SQLITE, shown, {**asked, "query": match})


def _on_postgres(
    owner: UUID, query: ParsedQuery, shown: str, asked: dict[str, Any]
) -> list[int]:
    if not query.terms:
        return _ids(POSTGRES_WITHOUT_WORDS, shown, asked)
    asked = {**asked, "query": _tsquery(owner, query)}
    count = asked["count"]
    found = _ids(POSTGRES_NEWEST, shown, asked)
    if len(found) == count:
        return found
    oldest = _ids(POSTGRES_OLDEST_OF_THEM, shown, asked)
    if not oldest:
        return found
    asked |= {"before": oldest[0], "count": count - len(found)}
    return found + _ids(POSTGRES_INDEX, shown, asked)


def _tsquery(owner: UUID, query: ParsedQuery) -> str:
    of_owner = str(owner)[:2]
    words = [f"'{of_owner}{word}'" for word in query.words]
    prefixes = [f"'{of_owner}{prefix}':*" for prefix in query.prefixes]
    return " & ".join((*words, *prefixes))


def _ids(statement: str, shown: str, asked: dict[str, Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement.replace(SHOWN, shown), asked)
        return [pk for (pk,) in cursor.fetchall()]


OF_VENDOR: dict[str, Callable[[UUID, ParsedQuery, str, dict[str, Any]], list[int]]] = {
    "sqlite": _on_sqlite,
    "postgresql": _on_postgres,
}
