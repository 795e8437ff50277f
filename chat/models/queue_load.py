"""Who of a message's owner, network, conversation and model waits, in one query."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chat.models.tree import rows

#: The states are literals, so that SQLite uses its index of unfinished replies.
QUERY = """
SELECT
    (SELECT is_active FROM chat_user WHERE id = %s),
    COUNT(CASE WHEN message.conversation_id = %s THEN 1 END),
    COUNT(CASE WHEN message.owner_id = %s THEN 1 END),
    COUNT(CASE WHEN owner.network = %s AND owner.username IS NULL THEN 1 END),
    COUNT(CASE WHEN reply.model = %s THEN 1 END)
FROM chat_reply AS reply
JOIN chat_message AS message ON message.id = reply.message_id
JOIN chat_user AS owner ON owner.id = message.owner_id
WHERE reply.state IN ('held', 'queued')
"""


@dataclass(frozen=True, slots=True)
class QueueLoad:
    """How many replies are unfinished, held ones included."""

    #: Whether the owner exists and was not closed.
    is_owner_open: bool
    of_conversation: int
    of_owner: int
    #: Those to guests of the network.
    of_network: int
    of_model: int


def queue_load(
    owner: UUID, conversation: UUID | None, network: str, model: str
) -> QueueLoad:
    """Count now. Without a conversation its count is 0."""
    ((is_open, *counts),) = rows(QUERY, (owner, conversation, owner, network, model))
    return QueueLoad(bool(is_open), *counts)
