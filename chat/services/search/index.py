"""Finds the passages with all words, newest first, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import connection

from chat.services.search.query_parser import ParsedQuery

#: PostgreSQL scans this many of an owner's newest passages before it uses its index.
NEWEST = 1000
#: Turns an owner's id into a token that no user can type, in the index of SQLite.
OWNER_MARK = "\ue000"
#: The condition of all queries below: the conversation was not deleted.
NOT_DELETED = """
    EXISTS (
        SELECT 1 FROM chat_conversation
        WHERE chat_conversation.id = passage.conversation_id
          AND chat_conversation.deleted_at IS NULL
    )
"""

# The index returns its rows newest first, and only as many as needed are read.
SQLITE = f"""
SELECT passage.id
FROM chat_passage_index JOIN chat_passage AS passage
  ON passage.id = chat_passage_index.rowid
WHERE chat_passage_index MATCH %(query)s AND chat_passage_index.rowid < %(before)s
  AND passage.owner_id = %(owner)s AND {NOT_DELETED}
ORDER BY chat_passage_index.rowid DESC LIMIT %(count)s
"""

# For a common word the index would return tens of thousands of rows to be sorted. In
# this case enough of the newest passages contain it.
POSTGRES_NEWEST = f"""
SELECT passage.id FROM (
    SELECT id, conversation_id, lexemes FROM chat_passage
    WHERE owner_id = %(owner)s AND id < %(before)s ORDER BY id DESC LIMIT {NEWEST}
) AS passage
WHERE passage.lexemes @@ %(query)s::tsquery AND {NOT_DELETED}
ORDER BY passage.id DESC LIMIT %(count)s
"""
POSTGRES_OLDEST_OF_THEM = f"""
SELECT id FROM chat_passage WHERE owner_id = %(owner)s AND id < %(before)s
ORDER BY id DESC OFFSET {NEWEST - 1} LIMIT 1
"""

# MATERIALIZED keeps the planner from scanning all rows of the owner. The order inside
# lets it look at only one page of many rows.
POSTGRES_INDEX = f"""
WITH passage AS MATERIALIZED (
    SELECT id, owner_id, conversation_id FROM chat_passage
    WHERE lexemes @@ %(query)s::tsquery ORDER BY id DESC
)
SELECT passage.id FROM passage
WHERE passage.owner_id = %(owner)s AND passage.id < %(before)s AND {NOT_DELETED}
ORDER BY passage.id DESC LIMIT %(count)s
"""


def find_passages(
    owner: UUID, query: ParsedQuery, before: int, count: int
) -> list[int]:
    """Ids of at most ``count`` passages older than ``before``, the newest first."""
    return OF_VENDOR[connection.vendor](owner, query, before, count)


def _on_sqlite(owner: UUID, query: ParsedQuery, before: int, count: int) -> list[int]:
    words = [f'"{word}"' for word in (f"{OWNER_MARK}{owner.hex}", *query.words)]
    match = " AND ".join((*words, *(f'"{prefix}" *' for prefix in query.prefixes)))
    return _ids(SQLITE, query=match, owner=owner.hex, before=before, count=count)


def _on_postgres(owner: UUID, query: ParsedQuery, before: int, count: int) -> list[int]:
    asked: dict[str, Any] = {"query": _tsquery(owner, query), "owner": owner}
    asked |= {"before": before, "count": count}
    found = _ids(POSTGRES_NEWEST, **asked)
    if len(found) == count or not (oldest := _ids(POSTGRES_OLDEST_OF_THEM, **asked)):
        return found
    asked |= {"before": oldest[0], "count": count - len(found)}
    return found + _ids(POSTGRES_INDEX, **asked)


def _tsquery(owner: UUID, query: ParsedQuery) -> str:
    of_owner = str(owner)[:2]
    words = [f"'{of_owner}{word}'" for word in query.words]
    prefixes = [f"'{of_owner}{prefix}':*" for prefix in query.prefixes]
    return " & ".join((*words, *prefixes))


def _ids(statement: str, **asked: Any) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return [pk for (pk,) in cursor.fetchall()]


OF_VENDOR: dict[str, Callable[[UUID, ParsedQuery, int, int], list[int]]] = {
    "sqlite": _on_sqlite,
    "postgresql": _on_postgres,
}
