"""API calls for replies: stop, retry, other versions, and what becomes of held ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from chat.accounts.guests import record_network
from chat.api.access import Access
from chat.api.answers import answer
from chat.api.bodies import FeedbackBody, TextBody, VersionsBody
from chat.api.idempotency_header import idempotency_key, once_for
from chat.api.key_access import BY_A_MESSAGE, used_key
from chat.api.schemas import (
    RemovedMessageData,
    ReplyData,
)
from chat.api.serializers import serialize_reply
from chat.api.statuses import current_status
from chat.http.get_or_404 import get_reply_or_404
from chat.http.known_errors import MISSING_SCOPE
from chat.http.request import owner_id, visitor
from chat.models import Conversation, Reply, User
from chat.services import feedback, held_messages, reply_versions
from chat.services.idempotency import reply_once
from chat.services.jobs.run_now import run_now as move_into_line
from chat.services.jobs.stop import stop_reply
from chat.services.message_text import clean_text
from chat.services.rewrite import rewrite as save_text

router = Router(tags=["Replies"])
MAY_CHANGE = Access("can_chat", own_by=BY_A_MESSAGE)


@router.post("/replies/{uuid:pk}/stop", auth=MAY_CHANGE, response={202: ReplyData})
def stop(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Stop a reply; harmless if it has ended. The text so far is kept."""
    stop_reply(get_reply_or_404(owner_id(request), pk))
    return _reply_answer(request, pk, status=202)


@router.post("/replies/{uuid:pk}/run-now", auth=MAY_CHANGE, response={202: ReplyData})
def run_now(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let a reply wait no longer until workers are idle. Harmless to repeat.

    A key whose calls let people go first may not.
    """
    key = used_key(request)
    if key is not None and key.is_helper:
        raise MISSING_SCOPE
    move_into_line(get_reply_or_404(owner_id(request), pk))
    return _reply_answer(request, pk, status=202)


@router.post("/replies/{uuid:pk}/retry", auth=MAY_CHANGE, response={202: ReplyData})
def retry(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Write another reply after one that failed or was stopped.

    Harmless to repeat. A reply that was completed, or has not ended, is returned as it
    is.
    """
    return _create(request, pk, ("retry", pk.hex), reply_versions.retry)


@router.post("/replies/{uuid:pk}/versions", auth=MAY_CHANGE, response={202: ReplyData})
def vary(request: HttpRequest, pk: UUID, body: VersionsBody) -> HttpResponse:
    """Write other versions of a reply, and return the first of them.

    Harmless to repeat while one of them is unfinished.
    """
    asked = ("vary", pk.hex, str(body.count))
    return _create(
        request, pk, asked, lambda reply: reply_versions.vary(reply, body.count)
    )


@router.post("/replies/{uuid:pk}/repeat", auth=MAY_CHANGE, response={202: ReplyData})
def repeat(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Write a reply once more as it was: the same model, settings and seed."""
    return _create(request, pk, ("repeat", pk.hex), reply_versions.repeat)


@router.post("/replies/{uuid:pk}/resume", auth=MAY_CHANGE, response={202: ReplyData})
def resume(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Write a version that continues a reply which was cut off.

    A reply that was not cut off is returned as it is.
    """
    return _create(request, pk, ("resume", pk.hex), reply_versions.resume)


@router.post("/replies/{uuid:pk}/proceed", auth=MAY_CHANGE, response={202: ReplyData})
def proceed(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Send a paused message although the reply before it failed or was stopped."""
    _change_once(request, ("proceed", pk.hex), pk, held_messages.release)
    return _reply_answer(request, pk, status=202)


@router.post("/replies/{uuid:pk}/edit", auth=MAY_CHANGE, response=ReplyData)
def edit(request: HttpRequest, pk: UUID, body: TextBody) -> HttpResponse:
    """Replace the text of a held message."""
    text = clean_text(body.text)
    request_parts = ("edit", pk.hex, text)
    _change_once(
        request, request_parts, pk, lambda reply: held_messages.edit(reply, text)
    )
    return _reply_answer(request, pk)


@router.post("/replies/{uuid:pk}/remove", auth=MAY_CHANGE, response=RemovedMessageData)
def remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Remove a held message, which then gets no reply."""
    _change_once(request, ("remove", pk.hex), pk, held_messages.remove)
    return answer(RemovedMessageData(id=pk, removed=True))


@router.post("/replies/{uuid:pk}/rewrite", auth=MAY_CHANGE, response={201: ReplyData})
def rewrite(request: HttpRequest, pk: UUID, body: TextBody) -> HttpResponse:
    """Put a text of yours in place of a finished reply, as another version of it.

    The messages after it follow the new version.
    """
    text = clean_text(body.text)
    fresh = reply_once(
        owner_id(request),
        idempotency_key(request),
        ("rewrite", pk.hex, text),
        lambda: save_text(get_reply_or_404(owner_id(request), pk), text),
    )
    found = serialize_reply(request, current_status(request, fresh.pk))
    return answer(found, 201, {"Location": found.url})


@router.put("/replies/{uuid:pk}/feedback", auth=MAY_CHANGE, response=ReplyData)
def set_feedback(request: HttpRequest, pk: UUID, body: FeedbackBody) -> HttpResponse:
    """Replace what you think of a finished reply; a null rating withdraws it."""
    found = get_reply_or_404(owner_id(request), pk)
    feedback.rate(found, body.rating or "", body.reason)
    return _reply_answer(request, pk)


def _create(
    request: HttpRequest,
    pk: UUID,
    asked: Sequence[str],
    act: Callable[[Reply], Reply],
) -> HttpResponse:
    """Request another version of a reply, once for the key of the request."""
    fresh = reply_once(
        owner_id(request),
        idempotency_key(request),
        asked,
        lambda: act(_reply_of_caller(request, pk)),
    )
    found = serialize_reply(request, current_status(request, fresh.pk))
    return answer(found, 202, {"Location": found.url})


def _reply_of_caller(request: HttpRequest, pk: UUID) -> Reply:
    found = get_reply_or_404(owner_id(request), pk)
    caller = visitor(request)
    record_network(request, caller)
    if isinstance(caller, User) and caller.used_key is not None:
        found.message.conversation.owner = caller  # with the key whose limits count
    return found


def _change_once(
    request: HttpRequest,
    request_parts: Sequence[str],
    pk: UUID,
    act: Callable[[Reply], None],
) -> None:
    """Change a held reply, once for the key of the request."""

    def act_on_it() -> Conversation:
        reply = get_reply_or_404(owner_id(request), pk)
        act(reply)
        return reply.message.conversation

    once_for(request, request_parts, act_on_it)


def _reply_answer(request: HttpRequest, pk: UUID, status: int = 200) -> HttpResponse:
    """The current state of a reply, as the answer."""
    return answer(serialize_reply(request, current_status(request, pk)), status)
