"""API calls for messages: send, read, and other versions of them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from ninja import Router

from chat.api.access import Access
from chat.api.answers import answer
from chat.api.bodies import NewMessage, VersionBody
from chat.api.cursors import Cursor, parse_id
from chat.api.first_call import caller
from chat.api.idempotency_header import idempotency_key, once_for
from chat.api.key_access import BY_A_MESSAGE, BY_ITS_ID, check_is_own
from chat.api.schemas import (
    ConversationData,
    MessageData,
    MessagePage,
    SentMessageData,
)
from chat.api.serializers import (
    next_url,
    serialize_conversation,
    serialize_message,
    serialize_sent,
)
from chat.api.statuses import current_status, statuses_of
from chat.http.api_errors import NOT_FOUND, ApiError
from chat.http.get_or_404 import get_conversation_or_404, get_message_or_404
from chat.http.request import owner_id, visitor
from chat.models import Conversation, Message, Reply, User, tree
from chat.page.message_window import before, latest
from chat.page.messages import versions_of
from chat.page.state import messages_per_page
from chat.services import reply_versions
from chat.services.errors import MessageRefused
from chat.services.fork import fork as make_fork
from chat.services.message_text import clean_text
from chat.services.messages import send_message

router = Router(tags=["Messages"])
MAY_READ = Access("can_chat", "can_read_history", own_by=BY_A_MESSAGE)
MAY_CHANGE = Access("can_chat", own_by=BY_A_MESSAGE)
NOT_NEW = ApiError(
    422,
    "not_new",
    _("preset: Only a new conversation begins with a preset. Apply it to this one."),
    parameter="preset",
)
NOT_TEMPORARY = ApiError(
    422,
    NOT_NEW.code,
    _("Only a new conversation can be temporary. Leave out either member."),
    parameter="temporary",
)


@router.post("/messages", auth=Access("can_chat"), response={202: SentMessageData})
def messages(request: HttpRequest, body: NewMessage) -> HttpResponse:
    """Send a message, and return its reply.

    Without a conversation a new one begins. The header ``Idempotency-Key`` makes the
    call safe to repeat.
    """
    # Checks come before ``caller``, so that a refused call makes no guest.
    key = idempotency_key(request)
    text = clean_text(body.text)
    conversation = _checked(request, body.conversation)
    if conversation is not None and body.preset:
        raise NOT_NEW
    if conversation is not None and body.temporary:
        raise NOT_TEMPORARY
    try:
        # For calls without cookies see ``first_call``.
        with caller(request, key, text) as owner:
            reply = send_message(
                owner,
                text,
                key,
                conversation,
                preset=body.preset,
                is_temporary=body.temporary,
                when_idle=body.when_idle,
            )
    except MessageRefused:
        if conversation is not None:  # one that is not there is the first reason
            get_conversation_or_404(owner_id(request), conversation, has_hidden=True)
        raise
    return _sent(request, reply)


@router.get("/messages/{uuid:pk}", auth=MAY_READ, response=MessageData)
def message(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Read a message."""
    found = get_message_or_404(owner_id(request), pk)
    return answer(_serialized(request, [found])[0])


@router.get("/messages/{uuid:pk}/versions", auth=MAY_READ, response=MessagePage)
def versions(request: HttpRequest, pk: UUID, cursor: Cursor) -> HttpResponse:
    """List all versions of a message, newest first."""
    found = get_message_or_404(owner_id(request), pk)
    siblings = tree.children_of(found.conversation_id, {found.parent_id})
    ids = siblings[found.parent_id][::-1]
    if (after := parse_id(cursor)) is not None:
        ids = ids[ids.index(after) + 1 :] if after in ids else []
    shown = found.conversation.loaded(ids[: messages_per_page()])
    return _page(request, shown, has_more=len(ids) > len(shown))


@router.post(
    "/messages/{uuid:pk}/versions", auth=MAY_CHANGE, response={202: SentMessageData}
)
def send_version(request: HttpRequest, pk: UUID, body: VersionBody) -> HttpResponse:
    """Send another version of a message of a user, and return its reply.

    The conversation goes on from there.
    """
    owner, key, text = owner_id(request), idempotency_key(request), body.text
    found = get_message_or_404(owner, pk)
    if not found.is_from_user:
        raise Http404
    conversation = get_conversation_or_404(
        owner, found.conversation_id, has_hidden=True
    )
    with caller(request, key, text) as user:
        reply = send_message(
            user,
            text,
            key,
            conversation,
            instead_of=found,
            when_idle=body.when_idle,
        )
    return _sent(request, reply)


@router.post("/messages/{uuid:pk}/choose", auth=MAY_CHANGE, response=MessageData)
def choose(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Go on from this version of a message."""

    def act() -> Conversation:
        found = get_message_or_404(owner_id(request), pk)
        reply_versions.choose(found)
        return found.conversation

    once_for(request, ("choose", pk.hex), act)
    return message(request, pk)


@router.post(
    "/messages/{uuid:pk}/fork", auth=MAY_CHANGE, response={201: ConversationData}
)
def fork(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Copy the messages up to this one into a new conversation.

    From a message of a user its reply is copied as well.
    """
    found = get_message_or_404(owner_id(request), pk)
    owner = visitor(request)
    if not isinstance(owner, User):
        raise Http404
    made = make_fork(found, owner, idempotency_key(request))
    data = serialize_conversation(request, made)
    return answer(data, 201, {"Location": data.url})


@router.get(
    "/conversations/{uuid:pk}/messages",
    auth=Access("can_chat", "can_read_history", own_by=BY_ITS_ID),
    response=MessagePage,
)
def conversation_messages(
    request: HttpRequest, pk: UUID, cursor: Cursor
) -> HttpResponse:
    """List the messages of a conversation, newest first.

    These are the chosen version of each message; ``versions`` names the others.
    """
    conversation = get_conversation_or_404(owner_id(request), pk, has_hidden=True)
    oldest = parse_id(cursor)
    window = latest(conversation) if oldest is None else before(conversation, oldest)
    return _page(request, window.messages[::-1], has_more=window.has_earlier)


def _page(
    request: HttpRequest, shown: Sequence[Message], *, has_more: bool
) -> HttpResponse:
    more = next_url(request, cursor=shown[-1].pk) if has_more else None
    return answer(MessagePage(messages=_serialized(request, shown), next=more))


def _serialized(request: HttpRequest, shown: Sequence[Message]) -> list[MessageData]:
    """Messages of one conversation, by the same number of queries for any number."""
    status_of, versions = statuses_of(request, shown), versions_of(shown)
    return [
        serialize_message(request, one, versions[one.pk].ids, status_of.get(one.pk))
        for one in shown
    ]


def _sent(request: HttpRequest, reply: Reply) -> HttpResponse:
    status = current_status(request, reply.pk)
    sent = serialize_sent(request, status, reply.message.conversation_id)
    return answer(sent, 202, {"Location": sent.url})


def _checked(request: HttpRequest, pk: UUID | None) -> UUID | None:
    """The id of a conversation that a call may name. Raises ``ApiError``."""
    if pk is None:
        return None
    if owner_id(request) is None:  # a new guest owns nothing
        raise NOT_FOUND
    check_is_own(request, BY_ITS_ID, pk)
    return pk
