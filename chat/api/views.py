"""API calls for messages and replies: send, read, stop, retry, edit, search."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from chat.accounts.guests import ensure_guest_cookie, record_network
from chat.api.current_status import current_status
from chat.api.decorators import api_call, json_body
from chat.api.first_call import caller
from chat.api.idempotency_header import idempotency_key, once_for
from chat.api.key_access import BY_A_REPLY, BY_ITS_ID, check_is_own, used_key
from chat.api.serializers import (
    LimitsData,
    RemovedMessageData,
    SentMessageData,
    serialize_hits,
    serialize_limit,
    serialize_reply,
)
from chat.http.api_errors import NOT_FOUND, ApiError
from chat.http.get_or_404 import get_conversation_or_404, get_reply_or_404
from chat.http.request import owner_id, visitor
from chat.models import Conversation, Reply, User
from chat.page.context_limits import limits_context
from chat.services import held_messages, reply_versions
from chat.services.errors import MessageRefused
from chat.services.idempotency import reply_once
from chat.services.jobs.stop import stop_reply
from chat.services.messages import clean_text, send_message
from chat.services.search import results


@api_call("POST", "can_chat")
def messages(request: HttpRequest) -> JsonResponse:
    """Send a message; status 202 with the reply's URL, state and place.

    ``{"text": …, "conversation": id}``; without a conversation a new one begins. The
    header ``Idempotency-Key`` makes the call safe to repeat; for calls without cookies
    see ``first_call``.
    """
    body = json_body(request)
    text = _read_text(body)
    # Checks come before ``caller``, so that a refused call makes no guest.
    key = idempotency_key(request)
    text = clean_text(text)
    conversation = _conversation_id(request, body.get("conversation"))
    try:
        with caller(request, key, text) as owner:
            reply = send_message(owner, text, key, conversation)
    except MessageRefused:
        if conversation is not None:  # one that is not there is the first reason
            get_conversation_or_404(owner_id(request), conversation, has_hidden=True)
        raise
    found = serialize_reply(request, current_status(request, reply.pk))
    pk = str(reply.message.conversation_id)
    sent = SentMessageData(**found, conversation=pk)
    return JsonResponse(sent, status=202, headers={"Location": sent["url"]})


@api_call("POST", "can_chat", own_by=BY_A_REPLY)
def stop(request: HttpRequest, pk: uuid.UUID) -> JsonResponse:
    """Stop a reply; harmless if it has ended. The text so far is kept."""
    stop_reply(get_reply_or_404(owner_id(request), pk))
    return _reply_response(request, pk, status=202)


@api_call("POST", "can_chat", own_by=BY_A_REPLY)
def retry(request: HttpRequest, pk: uuid.UUID) -> JsonResponse:
    """Request another reply after one that failed or was stopped; status 202.

    Harmless to repeat. A reply that was completed, or has not ended, is returned as it
    is.
    """
    fresh = reply_once(
        owner_id(request),
        idempotency_key(request),
        ("retry", pk.hex),
        lambda: _retry(request, pk),
    )
    found = serialize_reply(request, current_status(request, fresh.pk))
    return JsonResponse(found, status=202, headers={"Location": found["url"]})


@api_call("POST", "can_chat", own_by=BY_A_REPLY)
def proceed(request: HttpRequest, pk: uuid.UUID) -> JsonResponse:
    """Send a paused message although the reply before it failed or was stopped."""
    _change_once(request, ("proceed", pk.hex), pk, held_messages.release)
    return _reply_response(request, pk, status=202)


@api_call("POST", "can_chat", own_by=BY_A_REPLY)
def edit(request: HttpRequest, pk: uuid.UUID) -> JsonResponse:
    """Replace the text of a held message by ``{"text": …}``."""
    text = _read_text(json_body(request))
    text = clean_text(text)
    request_parts = ("edit", pk.hex, text)
    _change_once(
        request, request_parts, pk, lambda reply: held_messages.edit(reply, text)
    )
    return _reply_response(request, pk)


@api_call("POST", "can_chat", own_by=BY_A_REPLY)
def remove(request: HttpRequest, pk: uuid.UUID) -> JsonResponse:
    """Remove a held message, which then gets no reply."""
    _change_once(request, ("remove", pk.hex), pk, held_messages.remove)
    return JsonResponse(RemovedMessageData(id=str(pk), removed=True))


@api_call("GET", "can_read_history")
def search(request: HttpRequest) -> JsonResponse:
    """Find messages with all words of ``?q=``, newest first, 20 at a time.

    ``more`` is the URL of the next ones, null after the last.
    """
    text = request.GET.get("q", "")
    try:
        before = results.cursor(request.GET.get("before", ""))
    except ValueError:
        raise ApiError(
            400, "bad_cursor", _('Follow the address in "more" unchanged.')
        ) from None
    hits = results.search(owner_id(request), text, before)
    if hits.is_signs_only:
        message = _("Search looks for letters and digits. Put one into q.")
        raise ApiError(422, "no_words", message)
    return JsonResponse(serialize_hits(request, text, hits))


@api_call("GET")
def allowances(request: HttpRequest) -> JsonResponse:
    """Return what remains of the limits of the caller and of the caller's network.

    A program without cookies counts as a new guest, and gets a guest cookie.
    """
    found = limits_context(request)["limits"]
    left = LimitsData(allowances=[serialize_limit(one) for one in found])
    response = JsonResponse(left)
    if settings.GUESTS and used_key(request) is None:
        ensure_guest_cookie(request, response)
    return response


@csrf_exempt
def not_found(_request: HttpRequest) -> JsonResponse:
    """Answer every other path with status 404 as JSON."""
    return NOT_FOUND.response()


def _retry(request: HttpRequest, pk: uuid.UUID) -> Reply:
    found = get_reply_or_404(owner_id(request), pk)
    caller = visitor(request)
    record_network(request, caller)
    if isinstance(caller, User) and caller.used_key is not None:
        found.message.conversation.owner = caller  # with the key whose limits count
    return reply_versions.retry(found)


def _change_once(
    request: HttpRequest,
    request_parts: Sequence[str],
    pk: uuid.UUID,
    act: Callable[[Reply], None],
) -> None:
    """Change a held reply, once for the key of the request."""

    def act_on_it() -> Conversation:
        reply = get_reply_or_404(owner_id(request), pk)
        act(reply)
        return reply.message.conversation

    once_for(request, request_parts, act_on_it)


def _reply_response(
    request: HttpRequest, pk: uuid.UUID, status: int = 200
) -> JsonResponse:
    """The current state of a reply, as the answer."""
    return JsonResponse(
        serialize_reply(request, current_status(request, pk)), status=status
    )


def _read_text(body: dict[str, Any]) -> str:
    text = body.get("text")
    if not isinstance(text, str):
        raise ApiError(400, "bad_text", _('The body needs a string "text".'))
    return text


def _conversation_id(request: HttpRequest, raw: Any) -> uuid.UUID | None:
    """The id that a call names, of whatever owner. Raises ``ApiError``."""
    if raw is None:
        return None
    try:
        pk = uuid.UUID(str(raw))
    except ValueError:
        raise NOT_FOUND from None
    if owner_id(request) is None:  # a new guest owns nothing
        raise NOT_FOUND
    check_is_own(request, BY_ITS_ID, pk)
    return pk
