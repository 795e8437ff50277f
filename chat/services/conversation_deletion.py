"""Deleting conversations, and the way back; the keeper removes them for good."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from chat.models import Conversation, Reply
from chat.models.conversation import ConversationQuerySet
from chat.services.jobs.stop import stop_reply
from chat.services.notify import notify_pages
from chatsite import wire

#: A conversation may have thousands of messages, which leave with it.
BATCH = 10


def delete(conversation: Conversation) -> None:
    """Nobody finds it any more, and its unfinished replies are stopped."""
    _delete(Conversation.objects.filter(pk=conversation.pk), conversation.owner_id)


def delete_all(owner: UUID) -> Conversation | None:
    """Delete all that are there, together; any one of them, or None."""
    when = _delete(Conversation.objects.filter(owner_id=owner), owner)
    return Conversation.objects.filter(owner_id=owner, deleted_at=when).first()


def restore(conversation: Conversation) -> int:
    """Bring back a deleted one and those deleted together with it; how many.

    Their replies stay stopped.
    """
    count = together_with(conversation).update(deleted_at=None)
    transaction.on_commit(lambda: notify_pages(conversation.owner_id))
    return count


def together_with(conversation: Conversation) -> ConversationQuerySet:
    """A deleted conversation, and those deleted together with it."""
    deleted = Conversation.objects.deleted().filter(owner_id=conversation.owner_id)
    return deleted.filter(deleted_at=conversation.deleted_at)


def remove_for_good() -> bool:
    """Remove some of those that can no longer be restored; whether there were any."""
    before = timezone.now() - timedelta(hours=settings.DELETED_KEEP_HOURS)
    late = Conversation.objects.deleted().filter(deleted_at__lt=before)
    if not late.exists():
        return False
    with transaction.atomic():
        # Nobody restores one while it goes.
        claimed = late.select_for_update().order_by("deleted_at")[:BATCH]
        Conversation.objects.filter(pk__in=[row.pk for row in claimed]).delete()
    return True


def _delete(conversations: ConversationQuerySet, owner: UUID) -> datetime:
    now = timezone.now()
    with transaction.atomic():
        conversations.not_deleted().update(deleted_at=now)
        unfinished = Reply.objects.unfinished().filter(
            message__owner=owner, message__conversation__deleted_at=now
        )
        pks = list(unfinished.values_list("pk", flat=True))
        # Should this process die now, the keeper carries the stops out.
        Reply.objects.filter(pk__in=pks, stop_requested_at=None).update(
            stop_requested_at=now
        )
    transaction.on_commit(lambda: _stop(pks))
    transaction.on_commit(lambda: notify_pages(owner))
    return now


def _stop(pks: list[UUID]) -> None:
    """Those held first, so that none moves up; each stays in its place."""
    replies = Reply.objects.unfinished().with_path().filter(pk__in=pks)
    for reply in sorted(replies, key=lambda row: row.state != wire.State.HELD):
        if reply.state != wire.State.HELD or not reply.end(wire.State.STOPPED):
            stop_reply(reply)
