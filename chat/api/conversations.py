"""API calls for conversations: list, read, make, rename, delete, restore."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from chat.api.access import Access
from chat.api.answers import answer
from chat.api.bodies import NewConversation, TitleBody
from chat.api.cursors import Cursor
from chat.api.errors import BAD_CURSOR
from chat.api.first_call import caller
from chat.api.idempotency_header import idempotency_key, once_for
from chat.api.key_access import BY_ITS_ID
from chat.api.schemas import (
    ConversationData,
    ConversationPage,
    DeletedConversationData,
    RenamedConversationData,
)
from chat.api.serializers import next_url, serialize_conversation
from chat.http.get_or_404 import find_deleted, get_conversation_or_404
from chat.http.request import owner_id
from chat.models import Conversation
from chat.services import conversation_deletion, conversation_list, conversations
from chat.services.idempotency import conversation_once
from chat.text_cleanup import as_line

#: Which list is read.
IsArchived = Annotated[
    bool, Query(description="The archive, instead of the list without it.")
]
router = Router(tags=["Conversations"])
MAY_READ = Access("can_chat", "can_read_history", own_by=BY_ITS_ID)
MAY_CHANGE = Access("can_chat", own_by=BY_ITS_ID)


@router.get(
    "/conversations", auth=Access("can_read_history"), response=ConversationPage
)
def list_conversations(
    request: HttpRequest, cursor: Cursor, archived: IsArchived = False
) -> HttpResponse:
    """List the conversations: pinned ones first, then those that were used last."""
    owner = owner_id(request)
    try:
        before = conversation_list.Cursor.parse(cursor) if cursor else None
    except (ValueError, OverflowError):
        raise BAD_CURSOR from None
    if archived:
        found = conversation_list.archived(owner, before)
    elif before:
        found = conversation_list.older(owner, before)
    else:
        found = conversation_list.newest(owner)
    listed = [serialize_conversation(request, one.conversation) for one in found.items]
    query = {"archived": "true"} if archived else {}
    more = next_url(request, **query, cursor=found.last) if found.has_more else None
    return answer(ConversationPage(conversations=listed, next=more))


@router.post(
    "/conversations", auth=Access("can_chat"), response={201: ConversationData}
)
def make(request: HttpRequest, body: NewConversation) -> HttpResponse:
    """Make a conversation without messages."""
    key, title = idempotency_key(request), conversations.clean_title(body.title)
    preset = as_line(body.preset)
    asked = ("make", *filter(None, [preset]), title)
    with caller(request, key, "\n".join(asked)) as owner:
        made = conversation_once(
            owner.pk, key, asked, lambda: conversations.make(owner, title, preset)
        )
    data = serialize_conversation(request, made)
    return answer(data, 201, {"Location": data.url})


@router.get("/conversations/{uuid:pk}", auth=MAY_READ, response=ConversationData)
def conversation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Read a conversation, without its messages."""
    found = get_conversation_or_404(owner_id(request), pk, has_hidden=True)
    return answer(serialize_conversation(request, found))


@router.post(
    "/conversations/{uuid:pk}/rename",
    auth=MAY_CHANGE,
    response=RenamedConversationData,
)
def rename(request: HttpRequest, pk: UUID, body: TitleBody) -> HttpResponse:
    """Replace the title."""
    title = conversations.clean_title(body.title)

    def act() -> Conversation:
        conversation = get_conversation_or_404(owner_id(request), pk)
        conversations.rename(conversation, title)
        return conversation

    once_for(request, ("rename", pk.hex, title), act)
    return answer(RenamedConversationData(id=pk, title=title))


@router.post(
    "/conversations/{uuid:pk}/delete",
    auth=MAY_CHANGE,
    response=DeletedConversationData,
)
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Hide a conversation until it is restored. Harmless to repeat."""

    def act() -> Conversation:
        owner = owner_id(request)
        conversation = find_deleted(owner, pk)
        if conversation is None:
            conversation = get_conversation_or_404(owner, pk)
            conversation_deletion.delete(conversation)
        return conversation

    once_for(request, ("delete", pk.hex), act)
    return answer(DeletedConversationData(id=pk, deleted=True))


@router.post(
    "/conversations/{uuid:pk}/restore",
    auth=MAY_CHANGE,
    response=DeletedConversationData,
)
def restore(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Restore it, with those deleted together with it. Harmless to repeat."""

    def act() -> Conversation:
        owner = owner_id(request)
        conversation = find_deleted(owner, pk)
        if conversation is None:
            return get_conversation_or_404(owner, pk)
        conversation_deletion.restore(conversation)
        return conversation

    once_for(request, ("restore", pk.hex), act)
    return answer(DeletedConversationData(id=pk, deleted=False))
