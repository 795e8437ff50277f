"""Pins and archives conversations; their places by time stay as they are."""

from __future__ import annotations

from django.db import transaction

from chat.models import Conversation
from chat.services.notify import notify_pages


def pin(conversation: Conversation, *, is_pinned: bool) -> None:
    """List a conversation above all that are not pinned, or no longer."""
    _set(conversation, is_pinned=is_pinned)


def archive(conversation: Conversation, *, is_archived: bool) -> None:
    """Move a conversation out of the list, or back into it.

    It keeps its pin, so that undoing brings it back to its place. Its replies go on.
    """
    _set(conversation, is_archived=is_archived)


def _set(conversation: Conversation, **fields: bool) -> None:
    """Set fields in the row and in the object, and have pages show them."""
    Conversation.objects.filter(pk=conversation.pk).update(**fields)
    for name, value in fields.items():
        setattr(conversation, name, value)
    transaction.on_commit(lambda: notify_pages(conversation.owner_id))
