"""Records the notices of a reply in the transaction that ends it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from chat.models import Notice, Reply, User
from chat.models.notice import Channel
from chat.models.sql_rows import execute
from chat.services.notifications.mail_choice import missing_for_mail
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
    """Record notices for the browsers of a reply's owner that want them.

    A reply that took long has one for the owner's mail, too. It costs one statement
    where the operator has set keys, and another one where there is to be mail.
    """
    if not is_noticed(reply):
        return
    now = timezone.now()
    due_at = now + timedelta(seconds=settings.NOTICE_DELAY_SECONDS)
    if settings.HAS_PUSH:
        owner = reply.message.conversation.owner_id
        execute(TO_BROWSERS, (reply.pk, now, due_at, owner, now))
    if _is_mailed(reply, now):
        Notice.objects.create(reply=reply, channel=Channel.MAIL, next_at=due_at)


def _is_mailed(reply: Reply, now: datetime) -> bool:
    owner = reply.message.conversation.owner
    least = timedelta(minutes=settings.READY_MAIL_MINUTES)
    return gets_mail(owner) and now - reply.message.created_at >= least


def gets_mail(owner: User) -> bool:
    """Whether mail tells a person that a reply is ready."""
    is_wanted = bool(owner.ready_mail_language) and owner.is_active
    return is_wanted and missing_for_mail(owner) is None


def is_noticed(reply: Reply) -> bool:
    """Whether its owner may be told of its end.

    Not of replies to programs or lines of batches, and not of temporary chats.
    """
    is_listed = not reply.message.conversation.is_hidden
    return is_listed and reply.key_id is None and reply.state in NOTICED
