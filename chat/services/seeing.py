"""Seeing: a page of its owner's shows a conversation, which so has nothing new."""

from __future__ import annotations

from chat.models import Conversation
from chat.services.optional_write import NotWritten, optional_write
from chat.services.telling import tell


def see(conversation: Conversation) -> None:
    """Take the mark away, here and in the lists of other pages; writes only then."""
    unread = Conversation.objects.filter(pk=conversation.pk, has_unread=True)
    if not unread.exists():
        return
    try:
        with optional_write():
            is_news = unread.update(has_unread=False)
    except NotWritten:
        return  # the next look takes it away
    if not is_news:
        return
    tell(conversation.owner_id)
