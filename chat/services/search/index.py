"""Finds the passages with all words, newest first, on SQLite and PostgreSQL.

No index knows what filters look for. So passages are compared with them one by one, the
newest first, and one look ends after ``WALKED`` of them, however few fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from chat.models.sql_rows import adapted
from chat.services.search.filters import Filters
from chat.services.search.query_parser import ParsedQuery

#: So many passages with the words are compared with the filters in one look.
WALKED = 5000
#: PostgreSQL scans this many of an owner's newest passages before it uses its index.
NEWEST = 1000
#: PostgreSQL's index is not asked for words that so many of them have: it would return
#: tens of thousands of rows, to be compared with the filters.
COMMON = 20
#: Turns an owner's id into a token that no user can type, in the index of SQLite.
OWNER_MARK = "\ue000"
#: Replaced by the condition of ``Filters`` in the queries below.
SHOWN = "{shown}"
#: Ids of an owner's passages.
PASSAGES = """
SELECT id FROM chat_passage WHERE owner_id = %(owner)s AND id < %(before)s
ORDER BY id DESC
"""
WITHOUT_WORDS = f"""
SELECT passage.id FROM chat_passage AS passage
WHERE passage.owner_id = %(owner)s AND passage.id < %(before)s
  AND passage.id >= %(oldest)s AND {SHOWN}
ORDER BY passage.id DESC LIMIT %(count)s
"""

# The index returns its rows newest first, and only as many as needed are read.
SQLITE_PASSAGES = """
SELECT rowid FROM chat_passage_index
WHERE chat_passage_index MATCH %(query)s AND rowid < %(before)s ORDER BY rowid DESC
"""
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
POSTGRES_WALKED = """(
    SELECT id, conversation_id, message_id, lexemes FROM chat_passage
    WHERE owner_id = %(owner)s AND id < %(before)s
    ORDER BY id DESC LIMIT %(walked)s
) AS passage
WHERE passage.lexemes @@ %(query)s::tsquery"""
POSTGRES_WALK = f"""
SELECT passage.id FROM {POSTGRES_WALKED} AND {SHOWN}
ORDER BY passage.id DESC LIMIT %(count)s
"""
POSTGRES_MATCHES = f"SELECT count(*) FROM {POSTGRES_WALKED}"

# MATERIALIZED keeps the planner from scanning all rows of the owner. The order inside
# lets it look at only one page of many rows.
POSTGRES_INDEX = f"""
WITH passage AS MATERIALIZED (
    SELECT id, owner_id, conversation_id, message_id FROM chat_passage
    WHERE lexemes @@ %(query)s::tsquery ORDER BY id DESC
)
SELECT passage.id FROM passage
WHERE passage.owner_id = %(owner)s AND passage.id < %(before)s AND {SHOWN}
ORDER BY passage.id DESC LIMIT %(count)s
"""

# Those of one conversation may be far apart, so none but them is read. The order is an
# expression on PostgreSQL, which may walk all of an owner's passages in it otherwise.
IN_ORDER = "{in_order}"
ORDERS = {"sqlite": "passage.id", "postgresql": "passage.id + 0"}
OF_CONVERSATION = f"""
SELECT passage.id FROM chat_passage AS passage
WHERE passage.owner_id = %(owner)s AND passage.conversation_id = %(conversation)s
  AND passage.id < %(before)s
ORDER BY {IN_ORDER} DESC
"""
INSIDE = f"""
SELECT passage.id FROM chat_passage AS passage
WHERE passage.owner_id = %(owner)s AND passage.conversation_id = %(conversation)s
  AND passage.id < %(before)s AND passage.id >= %(oldest)s AND {{has_words}} AND {SHOWN}
ORDER BY {IN_ORDER} DESC LIMIT %(count)s
"""
POSTGRES_HAS_WORDS = "passage.lexemes @@ %(query)s::tsquery"
SQLITE_HAS_WORD = "instr(' ' || passage.words || ' ', %({name})s) > 0"


@dataclass(frozen=True, slots=True)
class Found:
    """Ids of passages, the newest first."""

    ids: list[int]
    #: Where the look ended before it was through; None if nothing is left.
    end: int | None = None


def find_passages(
    owner: UUID, query: ParsedQuery, filters: Filters, before: int, count: int
) -> Found:
    """At most ``count`` passages older than ``before``, of those one look takes."""
    shown, parameters = filters.condition()
    asked: dict[str, Any] = {"owner": adapted(owner), "before": before, "oldest": 0}
    asked |= {"count": count, **parameters}
    if filters.conversation:
        return _inside(owner, query, shown, asked)
    if not query.terms:
        return _look(WITHOUT_WORDS, PASSAGES, shown, asked)
    is_filtered = filters != Filters()
    return OF_VENDOR[connection.vendor](owner, query, shown, asked, is_filtered)


def _inside(
    owner: UUID, query: ParsedQuery, shown: str, asked: dict[str, Any]
) -> Found:
    """The passages of one conversation."""
    if not query.terms:
        conditions, words = ["TRUE"], {}
    elif connection.vendor == "postgresql":
        conditions, words = [POSTGRES_HAS_WORDS], {"query": _tsquery(owner, query)}
    else:
        typed = [f" {word} " for word in query.words]
        typed += [f" {prefix}" for prefix in query.prefixes]
        words = {f"word{number}": word for number, word in enumerate(typed)}
        conditions = [SQLITE_HAS_WORD.format(name=name) for name in words]
    inside = INSIDE.replace("{has_words}", " AND ".join(conditions))
    order = ORDERS[connection.vendor]
    statement, walk = (
        each.replace(IN_ORDER, order) for each in (inside, OF_CONVERSATION)
    )
    return _look(statement, walk, shown, {**asked, **words})


def _look(statement: str, walk: str, shown: str, asked: dict[str, Any]) -> Found:
    """What a statement finds among the first ``WALKED`` passages of a walk."""
    end = _end(walk, asked, WALKED)
    found = _ids(statement, shown, {**asked, "oldest": end or 0})
    return Found(found, None if len(found) == asked["count"] else end)


def _end(walk: str, asked: dict[str, Any], walked: int) -> int | None:
    """The last of so many passages; None if there are fewer."""
    return next(iter(_ids(f"{walk} LIMIT 1 OFFSET {walked - 1}", "", asked)), None)


def _on_sqlite(
    owner: UUID,
    query: ParsedQuery,
    shown: str,
    asked: dict[str, Any],
    is_filtered: bool,
) -> Found:
    words = [f'"{word}"' for word in (f"{OWNER_MARK}{owner.hex}", *query.words)]
    match = " AND ".join((*words, *(f'"{prefix}" *' for prefix in query.prefixes)))
    asked = {**asked, "query": match}
    if is_filtered:
        return _look(SQLITE, SQLITE_PASSAGES, shown, asked)
    return Found(_ids(SQLITE, shown, asked))


def _on_postgres(
    owner: UUID,
    query: ParsedQuery,
    shown: str,
    asked: dict[str, Any],
    is_filtered: bool,
) -> Found:
    asked = {**asked, "query": _tsquery(owner, query), "walked": NEWEST}
    found = _ids(POSTGRES_WALK, shown, asked)
    if len(found) == asked["count"] or not (end := _end(PASSAGES, asked, NEWEST)):
        return Found(found)
    is_common = is_filtered and _ids(POSTGRES_MATCHES, shown, asked)[0] >= COMMON
    asked |= {"before": end, "count": asked["count"] - len(found), "walked": WALKED}
    if not is_common:
        return Found(found + _ids(POSTGRES_INDEX, shown, asked))
    further = _ids(POSTGRES_WALK, shown, asked)
    is_full = len(further) == asked["count"]
    return Found(found + further, None if is_full else _end(PASSAGES, asked, WALKED))


def _tsquery(owner: UUID, query: ParsedQuery) -> str:
    of_owner = str(owner)[:2]
    words = [f"'{of_owner}{word}'" for word in query.words]
    prefixes = [f"'{of_owner}{prefix}':*" for prefix in query.prefixes]
    return " & ".join((*words, *prefixes))


def _ids(statement: str, shown: str, asked: dict[str, Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement.replace(SHOWN, shown), asked)
        return [pk for (pk,) in cursor.fetchall()]


OF_VENDOR: dict[
    str, Callable[[UUID, ParsedQuery, str, dict[str, Any], bool], Found]
] = {
    "sqlite": _on_sqlite,
    "postgresql": _on_postgres,
}
