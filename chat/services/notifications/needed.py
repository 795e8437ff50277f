"""Whether a notice is still needed: people are not told twice, nor of what they saw.

A page in front of a person asks for news at least every ``POLL_IDLE_SECONDS``, and the
mailbox notes when. So a page that has asked since the end of a reply has told of it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings

from chat.models import Notice
from chatsite.mailbox import MailboxAway, open_mailbox

#: How much longer than ``POLL_IDLE_SECONDS`` a page may take, with jitter and the way.
SLOWNESS = 1.2
GRACE_SECONDS = 3


def needless(notice: Notice, now: datetime, seen: datetime | None) -> str:
    """Why a notice need not be sent; empty if it must be.

    ``seen`` is when a page of the owner asked for news last.
    """
    reply, subscription = notice.reply, notice.subscription
    conversation = reply.message.conversation
    if now >= expires_at(notice):
        return "too late"
    if conversation.deleted_at is not None or not conversation.owner.is_active:
        return "deleted"
    if not conversation.has_unread:
        return "read"
    if seen is not None and reply.finished_at is not None and seen > reply.finished_at:
        return "a page was open"
    if subscription is not None and subscription.owner_id != conversation.owner_id:
        return "of another owner"
    return "told by a later one" if _has_later(notice) else ""


def expires_at(notice: Notice) -> datetime:
    """When a notice is stale, which is worse than none."""
    return notice.created_at + timedelta(minutes=settings.NOTICE_KEEP_MINUTES)


def closed_at(seen: datetime) -> datetime:
    """When a page that asked for news at ``seen`` is certainly closed, or hidden."""
    gap_seconds = SLOWNESS * settings.POLL_IDLE_SECONDS + GRACE_SECONDS
    return seen + timedelta(seconds=gap_seconds)


def seen_at(owner: UUID) -> datetime | None:
    """When a page in front of the owner asked for news last; None if not lately."""
    try:
        stamp = open_mailbox().seen_at(str(owner))
    except MailboxAway:
        return None
    return None if stamp is None else datetime.fromtimestamp(stamp, UTC)


def _has_later(notice: Notice) -> bool:
    later = Notice.objects.filter(
        channel=notice.channel,
        subscription=notice.subscription,
        reply__message__conversation=notice.reply.message.conversation_id,
        pk__gt=notice.pk,
    )
    return later.exists()
