"""The notice that conversations were deleted, with a button to restore them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest

from chat.http.get_or_404 import find_deleted
from chat.http.request import owner_id
from chat.models import Conversation
from chat.services.conversation_deletion import deleted_together

#: Query parameter of a page that shows the notice: the id of the conversation.
DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class UndoNotice:
    """A deleted conversation, and how many were deleted together with it."""

    conversation: Conversation
    count: int


def undo_notice_for(conversation: Conversation) -> UndoNotice:
    """The notice for a deleted conversation."""
    return UndoNotice(conversation, deleted_together(conversation).count())


def requested_undo_notice(request: HttpRequest) -> UndoNotice | None:
    """The notice that the URL of a page requests, while restoring is possible."""
    try:
        pk = UUID(request.GET.get(DELETED, ""))
    except ValueError:
        return None
    found = find_deleted(owner_id(request), pk)
    return undo_notice_for(found) if found else None
