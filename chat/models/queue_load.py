"""What a message is admitted by, in one query.

Who of its owner, network, conversation and model waits, and which limits are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from chat.models.sql_rows import rows, time_of

#: The states are literals, so that SQLite uses its index of unfinished replies.
QUERY = """
SELECT
    (SELECT is_active FROM chat_user WHERE id = %s),
    COUNT(CASE WHEN message.conversation_id = %s THEN 1 END),
    COUNT(CASE WHEN message.owner_id = %s THEN 1 END),
    COUNT(CASE WHEN owner.network = %s AND owner.username IS NULL THEN 1 END),
    COUNT(CASE WHEN reply.model = %s THEN 1 END),
    NULL, NULL, NULL
FROM chat_reply AS reply
JOIN chat_message AS message ON message.id = reply.message_id
JOIN chat_user AS owner ON owner.id = message.owner_id
LEFT JOIN chat_batchline AS line ON line.conversation_id = message.conversation_id
WHERE reply.state IN ('held', 'queued') AND line.id IS NULL
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, subject, kind, full_at
FROM chat_allowance WHERE subject IN (%s, %s)
"""


@dataclass(frozen=True, slots=True)
class QueueLoad:
    """How many replies are unfinished, held ones included, and those to batches not."""

    #: Whether the owner exists and was not closed.
    is_owner_open: bool
    of_conversation: int
    of_owner: int
    #: Those to guests of the network.
    of_network: int
    of_model: int
    #: When each limit is unused again, in seconds since the epoch, by subject and kind.
    full_at: dict[tuple[str, str], float] = field(default_factory=dict)


def queue_load(
    owner: UUID,
    conversation: UUID | None,
    network: str,
    model: str,
    subjects: Sequence[str],
) -> QueueLoad:
    """Count now, and read the limits of one or two subjects.

    Without a conversation its count is 0.
    """
    named = (owner, conversation, owner, network, model, subjects[0], subjects[-1])
    found = rows(QUERY, named)
    full_at = {
        (row[5], row[6]): time_of(row[7]).timestamp()
        for row in found
        if row[5] is not None
    }
    (is_open, within, of_owner, of_network, of_model) = next(
        row[:5] for row in found if row[5] is None
    )
    return QueueLoad(bool(is_open), within, of_owner, of_network, of_model, full_at)
