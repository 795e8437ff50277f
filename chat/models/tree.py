"""Walks through the tree of a conversation, each by one recursive query.

A path may have thousands of messages, and a page needs only a window of it. So the
queries return ids, and no more of them than requested.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import NamedTuple

from chat.models.sql_rows import rows, uuid_of
from chatsite import wire

#: Larger than the length of any path.
ENDLESS = 2**31 - 1

UP = """
WITH RECURSIVE path(id, parent_id, step) AS (
    SELECT id, parent_id, 1 FROM chat_message
    WHERE id = %s AND conversation_id = %s
    UNION ALL
    SELECT above.id, above.parent_id, path.step + 1
    FROM path JOIN chat_message AS above ON above.id = path.parent_id
    WHERE path.step < %s
)
"""

#: Each step goes to the newest child; the last row is the leaf.
DOWN = """
WITH RECURSIVE path(id, step) AS (
    SELECT id, 1 FROM chat_message WHERE id = %s
    UNION ALL
    SELECT (
        SELECT child.id FROM chat_message AS child WHERE child.parent_id = path.id
        ORDER BY child.created_at DESC, child.id DESC LIMIT 1
    ), path.step + 1
    FROM path WHERE path.id IS NOT NULL
)
SELECT id FROM path WHERE id IS NOT NULL ORDER BY step DESC LIMIT 1
"""


class PathMessage(NamedTuple):
    """A message of a path; ``characters`` is the length of its text."""

    pk: uuid.UUID
    role: wire.Role
    characters: int
    #: None if it was not read.
    text: str | None


def ids_up(
    conversation: uuid.UUID, leaf: uuid.UUID, limit: int = ENDLESS
) -> list[uuid.UUID]:
    """Ids from ``leaf`` towards the first message, at most ``limit`` of them."""
    query = f"{UP} SELECT id FROM path ORDER BY step"
    return [uuid_of(pk) for (pk,) in rows(query, (leaf, conversation, limit))]


def messages_up(
    conversation: uuid.UUID, leaf: uuid.UUID, characters: int
) -> list[PathMessage]:
    """The messages from ``leaf`` to the first one.

    Texts are read as long as they have at most ``characters`` together, that of the
    leaf in any case.
    """
    query = (
        f"{UP} SELECT path.id, role, length(text), CASE WHEN step = 1"
        " OR SUM(length(text)) OVER (ORDER BY step) <= %s THEN text END"
        " FROM path JOIN chat_message ON chat_message.id = path.id ORDER BY step"
    )
    found = rows(query, (leaf, conversation, ENDLESS, characters))
    return [
        PathMessage(uuid_of(pk), wire.Role(role), length, text)
        for pk, role, length, text in found
    ]


def is_unfinished(conversation: uuid.UUID, leaf: uuid.UUID) -> bool:
    """Whether a reply from ``leaf`` up to the first message is unfinished."""
    query = (
        f"{UP} SELECT 1 FROM path JOIN chat_reply ON message_id = path.id"
        " WHERE state IN (%s, %s) LIMIT 1"
    )
    states = (wire.State.HELD.value, wire.State.QUEUED.value)
    return bool(rows(query, (leaf, conversation, ENDLESS, *states)))


def children_of(
    conversation: uuid.UUID, parents: Collection[uuid.UUID | None]
) -> dict[uuid.UUID | None, list[uuid.UUID]]:
    """The children of each parent, oldest first; of None, the first messages."""
    known = [parent for parent in parents if parent is not None]
    at_known = f"parent_id IN ({', '.join(['%s'] * len(known))})" if known else ""
    at_none = "parent_id IS NULL" if None in parents else ""
    places = " OR ".join(filter(None, (at_known, at_none)))
    query = (
        "SELECT parent_id, id FROM chat_message"
        f" WHERE conversation_id = %s AND ({places}) ORDER BY created_at, id"
    )
    found: dict[uuid.UUID | None, list[uuid.UUID]] = {}
    for parent, pk in rows(query, (conversation, *known)):
        at = None if parent is None else uuid_of(parent)
        found.setdefault(at, []).append(uuid_of(pk))
    return found


def newest_leaf(message: uuid.UUID) -> uuid.UUID:
    """The last message of the path through ``message`` and its newest descendants."""
    ((pk,),) = rows(DOWN, (message,))
    return uuid_of(pk)
