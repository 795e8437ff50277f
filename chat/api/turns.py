"""API calls that delete a turn of a conversation, and restore it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from chat.api.access import Access
from chat.api.answers import answer
from chat.api.idempotency_header import once_for
from chat.api.key_access import BY_A_DELETED_TURN, BY_A_MESSAGE
from chat.api.schemas import DeletedMessageData
from chat.http.get_or_404 import get_message_or_404
from chat.http.request import owner_id
from chat.models import Conversation
from chat.services import turn_deletion

router = Router(tags=["Messages"])


@router.post(
    "/messages/{uuid:pk}/delete",
    auth=Access("can_chat", own_by=BY_A_MESSAGE),
    response=DeletedMessageData,
)
def delete_turn(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete a message and its replies, with all versions, until they are restored.

    Harmless to repeat.
    """

    def act() -> Conversation:
        owner = owner_id(request)
        turn = turn_deletion.find_deleted_turn(owner, pk)
        if turn is None:
            turn = turn_deletion.delete_turn(get_message_or_404(owner, pk))
        return turn.conversation

    once_for(request, ("delete_turn", pk.hex), act)
    return answer(DeletedMessageData(id=pk, deleted=True))


@router.post(
    "/messages/{uuid:pk}/restore",
    auth=Access("can_chat", own_by=BY_A_DELETED_TURN),
    response=DeletedMessageData,
)
def restore_turn(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Restore a turn, by the id with which it was deleted. Harmless to repeat."""

    def act() -> Conversation:
        owner = owner_id(request)
        turn = turn_deletion.find_deleted_turn(owner, pk)
        if turn is None:
            return get_message_or_404(owner, pk).conversation
        return turn_deletion.restore_turn(turn)

    once_for(request, ("restore_turn", pk.hex), act)
    return answer(DeletedMessageData(id=pk, deleted=False))
