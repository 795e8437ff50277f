"""API calls that pin, archive and keep a conversation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from chat.api.access import Access
from chat.api.answers import answer
from chat.api.idempotency_header import once_for
from chat.api.key_access import BY_ITS_ID
from chat.api.schemas import ConversationData, KeptConversationData
from chat.api.serializers import serialize_conversation
from chat.http.get_or_404 import get_conversation_or_404
from chat.http.request import owner_id
from chat.models import Conversation
from chat.services import conversation_keeping as keep
from chat.services import temporary_chats

router = Router(tags=["Conversations"])
MAY_CHANGE = Access("can_chat", own_by=BY_ITS_ID)


@router.post(
    "/conversations/{uuid:pk}/pin", auth=MAY_CHANGE, response=KeptConversationData
)
def pin(request: HttpRequest, pk: UUID) -> HttpResponse:
    """List it before all that are not pinned. Harmless to repeat."""
    return _kept(request, pk, "pin", partial(keep.pin, is_pinned=True))


@router.post(
    "/conversations/{uuid:pk}/unpin", auth=MAY_CHANGE, response=KeptConversationData
)
def unpin(request: HttpRequest, pk: UUID) -> HttpResponse:
    """List it by its time again. Harmless to repeat."""
    return _kept(request, pk, "unpin", partial(keep.pin, is_pinned=False))


@router.post(
    "/conversations/{uuid:pk}/archive", auth=MAY_CHANGE, response=KeptConversationData
)
def archive(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Move it out of the list, until the next message. Harmless to repeat."""
    return _kept(request, pk, "archive", partial(keep.archive, is_archived=True))


@router.post(
    "/conversations/{uuid:pk}/unarchive",
    auth=MAY_CHANGE,
    response=KeptConversationData,
)
def unarchive(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Move it back into the list. Harmless to repeat."""
    return _kept(request, pk, "unarchive", partial(keep.archive, is_archived=False))


@router.post(
    "/conversations/{uuid:pk}/keep", auth=MAY_CHANGE, response=ConversationData
)
def keep_chat(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Make a temporary chat an ordinary conversation. Harmless to repeat."""

    def act() -> Conversation:
        found = get_conversation_or_404(owner_id(request), pk)
        temporary_chats.keep(found)
        return found

    once_for(request, ("keep", pk.hex), act)
    found = get_conversation_or_404(owner_id(request), pk)
    return answer(serialize_conversation(request, found))


def _kept(
    request: HttpRequest, pk: UUID, what: str, change: Callable[[Conversation], None]
) -> HttpResponse:
    """Change a conversation once for each idempotency key."""

    def act() -> Conversation:
        found = get_conversation_or_404(owner_id(request), pk)
        change(found)
        return found

    once_for(request, (what, pk.hex), act)
    found = get_conversation_or_404(owner_id(request), pk)
    data = KeptConversationData(
        id=pk, pinned=found.is_pinned, archived=found.is_archived
    )
    return answer(data)
