"""Which passages hold the words, newest first; only this knows both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import connection

from chat.services.search.query_parser import ParsedQuery

#: So many of an owner's newest passages PostgreSQL reads before it asks its index.
NEWEST = 1000
#: Makes an owner's id a word that cannot be typed, in the index of SQLite.
OWNER_MARK = "\ue000"
#: Which passages may be found at all: said once, here, for every query below.
IS_THERE = """
    EXISTS (
        SELECT 1 FROM chat_conversation
        WHERE chat_conversation.id = passage.conversation_id
          AND chat_conversation.deleted_at IS NULL
    )
"""

# The rows of the index come newest first by themselves, and only as many are read.
SQLITE = f"""
SELECT passage.id
FROM chat_passage_index JOIN chat_passage AS passage
  ON passage.id = chat_passage_index.rowid
WHERE chat_passage_index MATCH %(query)s AND chat_passage_index.rowid < %(before)s
  AND passage.owner_id = %(owner)s AND {IS_THERE}
ORDER BY chat_passage_index.rowid DESC LIMIT %(count)s
"""

# Of a common word the index would name tens of thousands of rows, all to be sorted: but
# then enough of the newest ones hold it.
POSTGRES_NEWEST = f"""
SELECT passage.id FROM (
    SELECT id, conversation_id, lexemes FROM chat_passage
    WHERE owner_id = %(owner)s AND id < %(before)s ORDER BY id DESC LIMIT {NEWEST}
) AS passage
WHERE passage.lexemes @@ %(query)s::tsquery AND {IS_THERE}
ORDER BY passage.id DESC LIMIT %(count)s
"""
POSTGRES_OLDEST_OF_THEM = f"""
SELECT id FROM chat_passage WHERE owner_id = %(owner)s AND id < %(before)s
ORDER BY id DESC OFFSET {NEWEST - 1} LIMIT 1
"""

# Materialised, lest the planner walks through all rows of the owner after all; and in
# order already, so that of many rows only a page is looked at any further.
POSTGRES_INDEX = f"""
WITH passage AS MATERIALIZED (
    SELECT id, owner_id, conversation_id FROM chat_passage
    WHERE lexemes @@ %(query)s::tsquery ORDER BY id DESC
)
SELECT passage.id FROM passage
WHERE passage.owner_id = %(owner)s AND passage.id < %(before)s AND {IS_THERE}
ORDER BY passage.id DESC LIMIT %(count)s
"""


def find_passages(
    owner: UUID, typed: ParsedQuery, before: int, count: int
) -> list[int]:
    """Ids of at most ``count`` passages older than ``before``, the newest first."""
    return OF_VENDOR[connection.vendor](owner, typed, before, count)


def _on_sqlite(owner: UUID, typed: ParsedQuery, before: int, count: int) -> list[int]:
    words = [f'"{word}"' for word in (f"{OWNER_MARK}{owner.hex}", *typed.words)]
    query = " AND ".join((*words, *(f'"{begun}" *' for begun in typed.beginnings)))
    return _ids(SQLITE, query=query, owner=owner.hex, before=before, count=count)


def _on_postgres(owner: UUID, typed: ParsedQuery, before: int, count: int) -> list[int]:
    asked: dict[str, Any] = {"query": _tsquery(owner, typed), "owner": owner}
    asked |= {"before": before, "count": count}
    found = _ids(POSTGRES_NEWEST, **asked)
    if len(found) == count or not (oldest := _ids(POSTGRES_OLDEST_OF_THEM, **asked)):
        return found
    asked |= {"before": oldest[0], "count": count - len(found)}
    return found + _ids(POSTGRES_INDEX, **asked)


def _tsquery(owner: UUID, typed: ParsedQuery) -> str:
    of_owner = str(owner)[:2]
    words = [f"'{of_owner}{word}'" for word in typed.words]
    beginnings = [f"'{of_owner}{begun}':*" for begun in typed.beginnings]
    return " & ".join((*words, *beginnings))


def _ids(statement: str, **asked: Any) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return [pk for (pk,) in cursor.fetchall()]


OF_VENDOR: dict[str, Callable[[UUID, ParsedQuery, int, int], list[int]]] = {
    "sqlite": _on_sqlite,
    "postgresql": _on_postgres,
}
