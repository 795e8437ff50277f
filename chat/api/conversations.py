"""API calls for conversations: rename, delete, restore."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _

from chat.api.decorators import api_call, json_body
from chat.api.idempotency_header import once_for
from chat.api.key_access import BY_ITS_ID
from chat.api.serializers import DeletedConversationData, RenamedConversationData
from chat.http.api_errors import ApiError
from chat.http.get_or_404 import find_deleted, get_conversation_or_404
from chat.http.request import owner_id
from chat.models import Conversation
from chat.services import conversation_deletion, conversations


@api_call("POST", "can_chat", own_by=BY_ITS_ID)
def rename(request: HttpRequest, pk: uuid.UUID) -> JsonResponse:
    """Replace the title by ``{"title": …}``."""
    title = json_body(request).get("title")
    if not isinstance(title, str):
        raise ApiError(400, "bad_title", _('The body needs a string "title".'))
    title = conversations.clean_title(title)

    def act() -> Conversation:
        conversation = get_conversation_or_404(owner_id(request), pk)
        conversations.rename(conversation, title)
        return conversation

    once_for(request, ("rename", pk.hex, title), act)
    return JsonResponse(RenamedConversationData(id=str(pk), title=title))


@api_call("POST", "can_chat", own_by=BY_ITS_ID)
def delete(request: HttpRequest, pk: uuid.UUID) -> JsonResponse:
    """Hide the conversation until it is restored. Harmless to repeat."""

    def act() -> Conversation:
        owner = owner_id(request)
        conversation = find_deleted(owner, pk)
        if conversation is None:
            conversation = get_conversation_or_404(owner, pk)
            conversation_deletion.delete(conversation)
        return conversation

    once_for(request, ("delete", pk.hex), act)
    return JsonResponse(DeletedConversationData(id=str(pk), deleted=True))


@api_call("POST", "can_chat", own_by=BY_ITS_ID)
def restore(request: HttpRequest, pk: uuid.UUID) -> JsonResponse:
    """Restore it, with those deleted together with it. Harmless to repeat."""

    def act() -> Conversation:
        owner = owner_id(request)
        conversation = find_deleted(owner, pk)
        if conversation is None:
            return get_conversation_or_404(owner, pk)
        conversation_deletion.restore(conversation)
        return conversation

    once_for(request, ("restore", pk.hex), act)
    return JsonResponse(DeletedConversationData(id=str(pk), deleted=False))
