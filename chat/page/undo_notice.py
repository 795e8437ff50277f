"""The note that something was deleted, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest

from chat.http.get_or_404 import find_deleted
from chat.http.request import owner_id
from chat.models import Conversation
from chat.services.conversation_deletion import deleted_together

#: The parameter of a page that shows the note.
DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class UndoNotice:
    """What can be restored: a conversation, and how many were deleted with it."""

    conversation: Conversation
    count: int


def undo_notice_for(conversation: Conversation) -> UndoNotice:
    return UndoNotice(conversation, deleted_together(conversation).count())


def requested_undo_notice(request: HttpRequest) -> UndoNotice | None:
    """What the address of a page names as deleted, while it can be restored."""
    try:
        pk = UUID(request.GET.get(DELETED, ""))
    except ValueError:
        return None
    found = find_deleted(owner_id(request), pk)
    return undo_notice_for(found) if found else None
