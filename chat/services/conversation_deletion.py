"""Deletes conversations, restores them, and removes them for good later."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from chat.models import Conversation, Message, Reply
from chat.models.conversation import ConversationQuerySet
from chat.services.jobs.stop import stop_reply
from chat.services.notify import notify_pages
from chatsite import wire

#: Conversations removed at once.
BATCH = 10
#: Messages removed in one transaction, and about how many in one step.
MESSAGES_AT_ONCE, MESSAGES_PER_STEP = 100, 1000
#: After some messages other writers get their turn for so long.
PAUSE_SECONDS = 0.02


def delete(conversation: Conversation) -> None:
    """Hide a conversation from its owner and stop its unfinished replies."""
    _delete(Conversation.objects.filter(pk=conversation.pk), conversation.owner_id)


def delete_all(owner: UUID) -> Conversation | None:
    """Delete all conversations of an owner together, but those that no page shows.

    Returns one of them, from which all can be restored; None if there was none.
    """
    when = _delete(Conversation.objects.with_page().filter(owner_id=owner), owner)
    return Conversation.objects.filter(owner_id=owner, deleted_at=when).first()


def restore(conversation: Conversation) -> int:
    """Restore a deleted conversation and those deleted together with it.

    Returns how many. Their replies stay stopped.
    """
    count = deleted_together(conversation).update(deleted_at=None)
    transaction.on_commit(lambda: notify_pages(conversation.owner_id))
    return count


def deleted_together(conversation: Conversation) -> ConversationQuerySet:
    """A deleted conversation and those deleted in the same request."""
    deleted = Conversation.objects.deleted().filter(owner_id=conversation.owner_id)
    return deleted.filter(deleted_at=conversation.deleted_at)


def removed_if_deleted_before() -> datetime:
    """The time ``DELETED_KEEP_HOURS`` ago."""
    return timezone.now() - timedelta(hours=settings.DELETED_KEEP_HOURS)


def remove_for_good() -> bool:
    """Remove one batch of conversations whose ``DELETED_KEEP_HOURS`` are over.

    Returns whether there were any. Of a long one only some messages are removed.
    """
    before = removed_if_deleted_before()
    expired = Conversation.objects.deleted().filter(deleted_at__lt=before)
    if not expired.exists():
        return False
    with transaction.atomic():
        # The lock keeps a restore from running at the same time. What loses messages is
        # hidden from now on, so that no restore shows the rest of it.
        claimed = expired.select_for_update().order_by("deleted_at")[:BATCH]
        pks = [row.pk for row in claimed]
        long = _long_ones(pks)
        Conversation.objects.filter(pk__in=long).update(is_hidden=True)
        short = [pk for pk in pks if pk not in long]
        Conversation.objects.filter(pk__in=short).delete()
    if long:
        remove_messages(long[:1], MESSAGES_PER_STEP)
    return True


def remove_messages(conversations: Sequence[UUID], most: int | None = None) -> None:
    """Remove messages of deleted conversations until few are left, the newest first.

    Each transaction removes some: to remove ten thousand takes seconds, in which SQLite
    lets no one else write. At most about ``most`` are removed.
    """
    for conversation in _long_ones(conversations):
        rows = Message.objects.filter(conversation=conversation)
        ids = list(rows.order_by("-created_at", "-pk").values_list("pk", flat=True))
        for start in range(0, min(len(ids), most or len(ids)), MESSAGES_AT_ONCE):
            some = ids[start : start + MESSAGES_AT_ONCE]
            with transaction.atomic():
                # Otherwise what follows one of them would be removed with it.
                rows.filter(parent__in=some).update(parent=None)
                rows.filter(pk__in=some).delete()
            time.sleep(PAUSE_SECONDS)


def _long_ones(conversations: Sequence[UUID]) -> list[UUID]:
    """Those with too many messages for one transaction."""
    counted = Message.objects.filter(conversation__in=conversations).order_by()
    groups = counted.values("conversation").annotate(count=Count("pk"))
    long = groups.filter(count__gt=MESSAGES_AT_ONCE)
    return list(long.values_list("conversation", flat=True))


def _delete(conversations: ConversationQuerySet, owner: UUID) -> datetime:
    now = timezone.now()
    with transaction.atomic():
        conversations.not_deleted().update(deleted_at=now)
        unfinished = Reply.objects.unfinished().filter(
            message__owner=owner, message__conversation__deleted_at=now
        )
        pks = list(unfinished.values_list("pk", flat=True))
        # If this process dies now, the keeper completes the stops.
        Reply.objects.filter(pk__in=pks, stop_requested_at=None).update(
            stop_requested_at=now
        )
    transaction.on_commit(lambda: _stop(pks))
    transaction.on_commit(lambda: notify_pages(owner))
    return now


def _stop(pks: list[UUID]) -> None:
    """Stop held replies first, so that none of them starts."""
    replies = Reply.objects.unfinished().with_path().filter(pk__in=pks)
    for reply in sorted(replies, key=lambda row: row.state != wire.State.HELD):
        if reply.state != wire.State.HELD or not reply.end(wire.State.STOPPED):
            stop_reply(reply)
