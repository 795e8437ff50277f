"""The notice that conversations were deleted or archived, with a button to undo it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest

from chat.http.get_or_404 import find_archived, find_deleted
from chat.http.request import owner_id
from chat.models import Conversation, DeletedTurn
from chat.services.conversation_deletion import deleted_together
from chat.services.turn_deletion import find_deleted_turn

#: Query parameters of a page that shows the notice: the id of the conversation.
DELETED = "deleted"
ARCHIVED = "archived"
#: The same for a turn of it: the id of the message by which it was deleted.
DELETED_TURN = "deleted-turn"


@dataclass(frozen=True, slots=True)
class UndoNotice:
    """A deleted conversation, and how many were deleted together with it.

    Or one that was archived, alone.
    """

    conversation: Conversation
    count: int = 1
    is_archived: bool = False


def undo_notice_for(conversation: Conversation) -> UndoNotice:
    """The notice for a deleted conversation."""
    return UndoNotice(conversation, deleted_together(conversation).count())


def requested_undo_notice(request: HttpRequest) -> UndoNotice | None:
    """The notice that the URL of a page requests, while undoing is possible."""
    owner = owner_id(request)
    if pk := _id_in(request, DELETED):
        found = find_deleted(owner, pk)
        return undo_notice_for(found) if found else None
    if pk := _id_in(request, ARCHIVED):
        found = find_archived(owner, pk)
        return UndoNotice(found, is_archived=True) if found else None
    return None


def requested_deleted_turn(request: HttpRequest) -> DeletedTurn | None:
    """The deleted turn that the URL of a page names, while it can be restored."""
    pk = _id_in(request, DELETED_TURN)
    return find_deleted_turn(owner_id(request), pk) if pk else None


def _id_in(request: HttpRequest, parameter: str) -> UUID | None:
    try:
        return UUID(request.GET.get(parameter, ""))
    except ValueError:
        return None
