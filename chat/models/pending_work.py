"""Whether the database has anything for a keeper's sweep, in one query."""

from __future__ import annotations

from datetime import datetime

from chat.models.sql_rows import rows

#: States are literals, so that the databases use their partial indexes. Held replies
#: that wait for their user are none of the keeper's business.
QUERY = """
SELECT 1 WHERE
EXISTS (SELECT 1 FROM chat_reply WHERE state = 'queued')
OR EXISTS (
    SELECT 1 FROM chat_reply AS held
    JOIN chat_message AS message ON message.id = held.message_id
    JOIN chat_message AS prompt ON prompt.id = message.parent_id
    JOIN chat_reply AS earlier ON earlier.message_id = prompt.parent_id
    WHERE held.state = 'held' AND earlier.state = 'done'
)
OR EXISTS (
    SELECT 1 FROM chat_batch
    WHERE status IN ('validating', 'in_progress', 'finalizing', 'cancelling')
)
OR EXISTS (SELECT 1 FROM chat_titlejob)
OR EXISTS (
    SELECT 1 FROM chat_conversationimport WHERE status IN ('reading', 'importing')
)
OR EXISTS (SELECT 1 FROM chat_conversation WHERE deleted_at < %s)
OR EXISTS (SELECT 1 FROM chat_allowance WHERE full_at < %s)
"""


def has_pending_work(*, deleted_before: datetime, full_before: datetime) -> bool:
    """Whether a sweep would find a row to act on.

    These are queued replies, held ones that may start, open batches, imports that
    run, titles that a model is to find, conversations deleted before a time, and
    limits that have been unused since before a time.
    """
    return bool(rows(QUERY, (deleted_before, full_before)))
