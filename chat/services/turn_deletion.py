"""Deletes a turn of a conversation, restores it, and removes it for good later.

A turn is a message of a user with all its versions, and all replies to them. What
followed it follows the message before it from then on, so the context of the next
replies is without it, and paths go on being pairs of a message and a reply.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.models import Conversation, DeletedTurn, Message, Reply
from chat.services.errors import MessageRefused
from chat.services.jobs.publish import release_next
from chat.services.jobs.stop import stop_reply
from chat.services.messages import claim_not_deleted
from chat.services.notify import notify_pages
from chatsite import wire

#: Turns removed at once.
BATCH = 100
#: When a call is to be repeated whose turn has a reply that is being stopped.
STOPPING_SECONDS = 1


def delete_turn(message: Message) -> DeletedTurn:
    """Delete the turn of a message or of a reply, after its unfinished replies stopped.

    Raises ``MessageRefused`` with the code stopping while a worker still writes one,
    and deleted if the message is gone.
    """
    for reply in _unfinished(_messages_of(message)):
        stop_reply(reply)
    with transaction.atomic():
        conversation = claim_not_deleted(message.conversation_id)
        turn = _messages_of(message)
        if _unfinished(turn):
            said = _("A reply of it is being stopped. Try again in a second.")
            raise MessageRefused("stopping", said, retry_seconds=STOPPING_SECONDS)
        kept = _keep(conversation, message.pk, turn)
        _detach(conversation, kept)
        Message.objects.filter(pk__in=[row.pk for row in turn]).delete()
    _tell(conversation)
    return kept


def restore_turn(turn: DeletedTurn) -> Conversation:
    """Put a deleted turn back to where it was, and what followed it behind it.

    Raises ``MessageRefused`` if its conversation was deleted.
    """
    with transaction.atomic():
        conversation = claim_not_deleted(turn.conversation_id)
        locked = DeletedTurn.objects.select_for_update().filter(pk=turn.pk).first()
        if locked is None:  # another request restored it
            return conversation
        before = _place(conversation, locked)
        _store(conversation, locked, before)
        _attach(conversation, locked, before)
        locked.delete()
    _tell(conversation)
    return conversation


def find_deleted_turn(owner: UUID | None, message: UUID) -> DeletedTurn | None:
    """A turn that its owner may still restore, by the message it was deleted by."""
    found = DeletedTurn.objects.filter(
        message=message,
        conversation__owner_id=owner,
        conversation__deleted_at=None,
    )
    return None if owner is None else found.first()


def remove_turns_for_good() -> bool:
    """Remove one batch of turns whose ``DELETED_KEEP_HOURS`` are over.

    Returns whether there were any.
    """
    before = timezone.now() - timedelta(hours=settings.DELETED_KEEP_HOURS)
    expired = DeletedTurn.objects.filter(deleted_at__lt=before)
    pks = list(expired.values_list("pk", flat=True)[:BATCH])
    DeletedTurn.objects.filter(pk__in=pks).delete()
    return bool(pks)


def _messages_of(message: Message) -> list[Message]:
    """The messages of a turn: all versions of what was asked, then all replies."""
    gone = MessageRefused("deleted", _("This message was deleted."))
    found = Message.objects.filter(pk=message.pk).select_related("parent").first()
    asked = found if found is None or found.is_from_user else found.parent
    if asked is None:
        raise gone
    # A look-up of NULL in this index takes the conversation as well.
    versions = Message.objects.filter(
        conversation=asked.conversation_id, parent=asked.parent_id
    )
    asking = list(versions.filter(role=wire.Role.USER).order_by("created_at"))
    replies = Message.objects.filter(parent__in=[one.pk for one in asking])
    return [*asking, *replies.select_related("reply").order_by("created_at")]


def _unfinished(turn: Sequence[Message]) -> list[Reply]:
    """Those that are held come first, so that none of them starts."""
    replies = Reply.objects.unfinished().with_path()
    found = replies.filter(pk__in=[one.pk for one in turn])
    return sorted(found, key=lambda reply: reply.state != wire.State.HELD)


def _keep(
    conversation: Conversation, message: UUID, turn: Sequence[Message]
) -> DeletedTurn:
    """Store the rows of a turn, and where they were."""
    ids = [one.pk for one in turn]
    after = Message.objects.filter(parent__in=ids).exclude(pk__in=ids)
    leaf = conversation.active_leaf_id
    kept = DeletedTurn(
        conversation=conversation,
        message=message,
        parent=turn[0].parent_id,
        leaf=leaf if leaf in ids else None,
        asked=[str(one.pk) for one in turn if one.is_from_user],
        replies=[str(one.pk) for one in turn if not one.is_from_user],
        followers={str(pk): str(on) for pk, on in after.values_list("pk", "parent_id")},
    )
    kept.keep([*turn, *(one.reply for one in turn if not one.is_from_user)])
    kept.save()
    return kept


def _detach(conversation: Conversation, turn: DeletedTurn) -> None:
    """Let what follows a turn follow the message before it."""
    Message.objects.filter(pk__in=[*turn.followers]).update(parent=turn.parent)
    if turn.leaf is not None:
        conversation.active_leaf_id = turn.parent
        conversation.save(update_fields=["active_leaf"])


def _place(conversation: Conversation, turn: DeletedTurn) -> UUID | None:
    """The message that a turn follows: the nearest before it that is not deleted.

    Deleted turns in between note that this one follows them, once they are restored.
    """
    parent, others = turn.parent, list(conversation.deleted_turns.exclude(pk=turn.pk))
    while parent is not None:
        if conversation.messages.filter(pk=parent).exists():
            return parent
        holder = next((one for one in others if str(parent) in one.replies), None)
        if holder is None:  # it was removed for good
            return None
        holder.followers |= dict.fromkeys(turn.asked, str(parent))
        holder.save(update_fields=["followers"])
        parent = holder.parent
    return None


def _store(conversation: Conversation, turn: DeletedTurn, before: UUID | None) -> None:
    """Insert the rows again. A guest may have signed in since: the owner is today's."""
    for row in turn.kept():
        made = row.object
        if isinstance(made, Message):
            made.owner_id = conversation.owner_id
            if made.is_from_user:
                made.parent_id = before
        row.save(force_insert=True)


def _attach(conversation: Conversation, turn: DeletedTurn, before: UUID | None) -> None:
    """Let what followed a turn follow it again, unless it was moved since."""
    others = list(conversation.deleted_turns.exclude(pk=turn.pk))
    following = list(turn.followers.items())
    while following:
        pk, reply = following.pop()
        there = conversation.messages.filter(pk=pk, parent=before)
        if there.update(parent=reply):
            continue
        # It was deleted as well: what is behind it follows this turn until it is back.
        for other in (one for one in others if pk in one.asked):
            other.parent = UUID(reply)
            other.save(update_fields=["parent"])
            following += [(behind, reply) for behind in other.followers]
            others = [one for one in others if one is not other]
    if turn.leaf is not None and conversation.active_leaf_id == before:
        conversation.active_leaf_id = turn.leaf
        conversation.save(update_fields=["active_leaf"])


def _tell(conversation: Conversation) -> None:
    """Have held messages go on, and pages show the change."""
    transaction.on_commit(lambda: release_next(conversation), robust=True)
    transaction.on_commit(lambda: notify_pages(conversation.owner_id), robust=True)
