"""The answer to what was done to a reply: the page as it is now, or the way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from chat.accounts.guests import note_network
from chat.http.get_or_404 import get_reply_or_404
from chat.http.request import Request, owner_id, visitor
from chat.models import Message, Reply
from chat.page.context_limits import scarce_limit_context
from chat.page.state import InvalidPageState, PageState, messages_per_page
from chat.page.update_response import update
from chat.services.errors import MessageRefused
from chat.services.idempotency import reply_once
from chat.services.jobs.status import NotOwner


def redirect_to_reply(reply: Reply) -> HttpResponse:
    page = reverse("conversation", args=[reply.message.conversation_id])
    return HttpResponseRedirect(f"{page}#reply-{reply.pk}", status=303)


def create_new_version(
    request: Request, pk: UUID, act: Callable[[Reply], Reply]
) -> HttpResponse:
    """Ask for another reply by what ``act`` does to the one of this id, once for what
    the page showed when the form was sent."""
    reply = get_reply_or_404(owner_id(request), pk)
    note_network(request, visitor(request))
    asked = (request.path, request.POST.get("count", ""))
    try:
        fresh = reply_once(
            owner_id(request), _key(request, asked), asked, lambda: act(reply)
        )
    except MessageRefused as refused:
        return _refused(request, reply, refused)
    return response_with_message(request, fresh.message)


def _key(request: Request, asked: Sequence[str]) -> str | None:
    """The form names the versions there were; only with what is asked for is it a key.
    A page of before this was so has none."""
    key = request.POST.get("key")
    return f"page:{':'.join(asked)}:{key}" if key else None


def response_with_message(request: Request, message: Message) -> HttpResponse:
    """The page that shows a message, after it came to be on the path."""
    if not request.htmx:
        return HttpResponseRedirect(_place_of(message), status=303)
    known = _known(request)
    if known is None or known.leaf is None or not _is_recent(message):
        # No page that shows the newest messages, or others than those, asks after it.
        return HttpResponseClientRedirect(_place_of(message))
    return _updated(request, known, message)


def response_after_action(request: Request, reply: Reply) -> HttpResponse:
    """The page of a reply, after something was done to it."""
    if not request.htmx:
        return redirect_to_reply(reply)
    known = _known(request)
    if known is None:
        return HttpResponseClientRedirect(redirect_to_reply(reply)["Location"])
    return _updated(request, known, reply.message)


def _known(request: Request) -> PageState | None:
    """None where what the page tells of itself makes no sense."""
    try:
        return PageState.from_query(request.POST)
    except InvalidPageState:
        return None


def _is_recent(message: Message) -> bool:
    """Whether a page that shows the newest messages shows this one, too."""
    conversation = message.conversation
    conversation.refresh_from_db(fields=["active_leaf"])
    newest = conversation.path_ids(limit=messages_per_page())
    return message.pk in newest or message.parent_id in newest


def _place_of(message: Message) -> str:
    """The address of a page that shows a message among its neighbours."""
    page = reverse("conversation", args=[message.conversation_id])
    kind = "message" if message.is_from_user else "reply"
    at = "" if _is_recent(message) else f"?at={message.pk}"
    return f"{page}{at}#{kind}-{message.pk}"


def _updated(request: Request, known: PageState, message: Message) -> HttpResponse:
    """What the page that asks lacks of its conversation, now that it did something.

    What was done is never answered as if it had been refused: a page that does not know
    what it shows is loaded anew.
    """
    try:
        return update(request, known.after_action(message.conversation_id))
    except NotOwner:
        return HttpResponseClientRedirect(_place_of(message))


def _refused(request: Request, reply: Reply, refused: MessageRefused) -> HttpResponse:
    """Why not now, beside the message box or on a page with the way back."""
    template = "composer/_error.html" if request.htmx else "replies/refused.html"
    context: dict[str, Any] = {"reply": reply, "message": refused.message}
    if refused.retry_seconds is not None:
        context |= scarce_limit_context(request)
    return with_refusal_status(
        render(request, template, context), refused.retry_seconds
    )


def with_refusal_status(page: HttpResponse, retry_seconds: int | None) -> HttpResponse:
    """``page`` says why; this says it to programs, and when to ask again if that
    helps."""
    page.status_code = 422 if retry_seconds is None else 429
    if retry_seconds is not None:
        page.headers["Retry-After"] = str(retry_seconds)
    return page
