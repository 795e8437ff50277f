"""Notes in the transaction that ends a reply who is to be told of it."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from chat.models import Reply
from chat.models.notice import Channel
from chat.models.sql_rows import execute
from chatsite import wire

#: A stopped reply needs no notice: its owner ended it.
NOTICED = (wire.State.DONE, wire.State.FAILED)
#: Browsers whose session has expired are logged out.
TO_BROWSERS = f"""
INSERT INTO chat_notice
    (reply_id, channel, subscription_id, created_at, next_at, attempts)
SELECT %s, '{Channel.PUSH}', subscription.id, %s, %s, 0
FROM chat_pushsubscription AS subscription
JOIN chat_session AS session ON session.session_key = subscription.session_id
WHERE subscription.owner_id = %s AND session.expire_date > %s
ON CONFLICT DO NOTHING
"""


def record_notices(reply: Reply) -> None:
    """Note the end of a reply for each browser of its owner that wants notices.

    Costs one statement where the operator has set keys, and nothing elsewhere.
    """
    if settings.HAS_PUSH and is_noticed(reply):
        now = timezone.now()
        due_at = now + timedelta(seconds=settings.NOTICE_DELAY_SECONDS)
        owner = reply.message.conversation.owner_id
        execute(TO_BROWSERS, (reply.pk, now, due_at, owner, now))


def is_noticed(reply: Reply) -> bool:
    """Whether its owner may be told of its end.

    Not of replies to programs or lines of batches, and not of temporary chats.
    """
    is_listed = not reply.message.conversation.is_hidden
    return is_listed and reply.key_id is None and reply.state in NOTICED
