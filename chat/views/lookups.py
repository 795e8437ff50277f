"""Owner-first look-ups: nothing is fetched by a bare id."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from chat.models import Conversation, Reply


def get_conversation_or_404(owner: UUID | None, pk: UUID) -> Conversation:
    found = Conversation.objects.there().filter(owner_id=owner, pk=pk).first()
    if owner is None or found is None:
        raise Http404
    return found


def find_deleted(owner: UUID | None, pk: UUID) -> Conversation | None:
    """A conversation that its owner may still restore."""
    if owner is None:
        return None
    return Conversation.objects.deleted().filter(owner_id=owner, pk=pk).first()


def get_reply_or_404(owner: UUID | None, pk: UUID) -> Reply:
    replies = Reply.objects.there().with_path()
    found = replies.filter(message__owner_id=owner, pk=pk).first()
    if owner is None or found is None:
        raise Http404
    return found
