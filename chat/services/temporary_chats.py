"""Temporary chats: hidden conversations with a page, erased soon after it was closed.

Hidden ones are in no list, no search, no badge, no download and no list of failures.
The page of a temporary chat says once a minute that it is open, by a poll that asks the
database in any case. A program has no page: what it asks of the chat counts instead.
The keeper erases what was not asked for in a while.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from chat.models import Conversation
from chat.models.sql_rows import execute
from chat.services.limits import usage
from chat.services.notify import notify_pages
from chat.services.optional_write import NotWritten, optional_write

#: Seconds between two notes of one page.
LOOK_SECONDS = 60
#: Triggers write passages for what is written; these were written while it was hidden.
PASSAGES_OF_MESSAGES = """
INSERT INTO chat_passage (owner_id, conversation_id, message_id, words)
SELECT owner_id, conversation_id, id, chat_words(text) FROM chat_message
WHERE conversation_id = %s AND trim(text) <> '' ORDER BY created_at, id
ON CONFLICT DO NOTHING
"""
PASSAGE_OF_TITLE = """
INSERT INTO chat_passage (owner_id, conversation_id, message_id, words)
SELECT owner_id, id, NULL, chat_words(title) FROM chat_conversation
WHERE id = %s AND trim(title) <> ''
ON CONFLICT DO NOTHING
"""


def temporary_fields() -> dict[str, Any]:
    """The fields of a conversation that begins as a temporary chat."""
    return {"is_hidden": True, "temporary_until": _end()}


def note_look(owner: UUID, conversation: UUID) -> int:
    """Note that a page of a temporary chat is open.

    Returns when it has to be noted again, in seconds since the epoch.
    """
    _put_off(owner, conversation, _end())
    return int(usage.clock()) + LOOK_SECONDS


def note_use(conversation: Conversation) -> None:
    """Note that a conversation was asked for, if it is a temporary chat.

    It is written at most once a minute.
    """
    before, after = conversation.temporary_until, _end()
    if before is None or after - before < timedelta(seconds=LOOK_SECONDS):
        return
    if _put_off(conversation.owner_id, conversation.pk, after):
        conversation.temporary_until = after


def _put_off(owner: UUID, conversation: UUID, until: datetime) -> bool:
    """Keep a temporary chat so long; False if it is none, or cannot be written now."""
    temporary = Conversation.objects.filter(
        owner_id=owner, pk=conversation, temporary_until__isnull=False
    )
    try:
        with optional_write():
            return bool(temporary.update(temporary_until=until))
    except NotWritten:
        return False  # the next note is a minute away, and the end an hour


def keep(conversation: Conversation) -> None:
    """Make a temporary chat an ordinary conversation, in the list and in search."""
    if not conversation.is_temporary:
        return
    with transaction.atomic():
        conversation.claim()
        Conversation.objects.filter(pk=conversation.pk).update(
            is_hidden=False, temporary_until=None
        )
        execute(PASSAGE_OF_TITLE, (conversation.pk,))
        execute(PASSAGES_OF_MESSAGES, (conversation.pk,))
    conversation.is_hidden, conversation.temporary_until = False, None
    transaction.on_commit(lambda: notify_pages(conversation.owner_id))


def _end() -> datetime:
    return timezone.now() + timedelta(minutes=settings.TEMPORARY_MINUTES)
