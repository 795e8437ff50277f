"""Look-ups that start from the owner: no row is fetched by its id alone.

All raise ``Http404`` for an id that does not exist or belongs to another owner. Those
that find a temporary chat put off its end.
"""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from chat.models import Conversation, Message, Preset, Reply
from chat.services.temporary_chats import note_use
from chatsite import wire


def get_conversation_or_404(
    owner: UUID | None, pk: UUID, *, has_hidden: bool = False
) -> Conversation:
    """A conversation that is not deleted, with its owner.

    Pages see none that is hidden, but for temporary chats.
    """
    rows = Conversation.objects.select_related("owner").filter(owner_id=owner, pk=pk)
    found = (rows.not_deleted() if has_hidden else rows.with_page()).first()
    if owner is None or found is None:
        raise Http404
    note_use(found)
    return found


def find_deleted(owner: UUID | None, pk: UUID) -> Conversation | None:
    """A deleted conversation that its owner may still restore; None without one."""
    if owner is None:
        return None
    return Conversation.objects.deleted().filter(owner_id=owner, pk=pk).first()


def find_archived(owner: UUID | None, pk: UUID) -> Conversation | None:
    """A conversation in the archive of its owner; None without one."""
    if owner is None:
        return None
    archived = Conversation.objects.listed().filter(is_archived=True)
    return archived.filter(owner_id=owner, pk=pk).first()


def get_reply_or_404(owner: UUID | None, pk: UUID) -> Reply:
    """A reply of a conversation that is not deleted, with its message and path."""
    replies = Reply.objects.not_deleted().with_path()
    found = replies.filter(message__owner_id=owner, pk=pk).first()
    if owner is None or found is None:
        raise Http404
    note_use(found.message.conversation)
    return found


def get_message_or_404(owner: UUID | None, pk: UUID) -> Message:
    """A message of a conversation that is not deleted, with its conversation."""
    messages = Message.objects.select_related("conversation")
    found = messages.filter(
        owner_id=owner, pk=pk, conversation__deleted_at=None
    ).first()
    if owner is None or found is None:
        raise Http404
    note_use(found.conversation)
    return found


def get_user_message_or_404(conversation: Conversation, pk: UUID) -> Message:
    """A user's message of a conversation that was looked up by its owner."""
    found = conversation.messages.filter(pk=pk, role=wire.Role.USER).first()
    if found is None:
        raise Http404
    return found


def get_preset_or_404(owner: UUID | None, pk: UUID) -> Preset:
    """A preset of a person's own."""
    found = Preset.objects.filter(owner_id=owner, pk=pk).first()
    if owner is None or found is None:
        raise Http404
    return found
