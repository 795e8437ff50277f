"""Seeing: a page of its owner's shows a conversation, which so has nothing new."""

from __future__ import annotations

from chat.models import Conversation
from chat.services.telling import tell


def see(conversation: Conversation) -> None:
    """Take the mark away, here and in the lists of other pages; writes only then."""
    unread = Conversation.objects.filter(pk=conversation.pk, has_unread=True)
    if not unread.exists() or not unread.update(has_unread=False):
        return
    tell(conversation.owner_id)
