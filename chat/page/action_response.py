"""Answers to actions on a message or a reply: an update of the page, or a redirect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NotRequired, TypedDict
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh

from chat.accounts.guests import record_network
from chat.http.get_or_404 import get_reply_or_404
from chat.http.request import Request, owner_id, visitor
from chat.models import Message, Reply
from chat.page.context_limits import scarce_limit_context
from chat.page.state import InvalidPageState, PageState, messages_per_page
from chat.page.update_response import update_or_redirect
from chat.services.errors import MessageRefused
from chat.services.idempotency import reply_once
from chat.services.limits.remaining import RemainingLimit


class ErrorContext(TypedDict):
    """For ``composer/_error.html``."""

    #: What is wrong, for the person who reads the page.
    message: str
    #: Id of the element where it is said; the composer's if absent.
    place: NotRequired[str]
    #: As in ``ScarceLimitContext``; absent where no limit is the reason.
    scarce_limit: NotRequired[RemainingLimit | None]
    has_scarce_limit_changed: NotRequired[bool]


def redirect_to_reply(reply: Reply) -> HttpResponse:
    """Redirect to a reply in its conversation."""
    page = reverse("conversation", args=[reply.message.conversation_id])
    return HttpResponseRedirect(f"{page}#reply-{reply.pk}", status=303)


def create_new_version(
    request: Request, pk: UUID, act: Callable[[Reply], Reply]
) -> HttpResponse:
    """Request another version of a reply by ``act``, at most once for each form.

    The form names the number of versions that it showed, which makes the idempotency
    key.
    """
    reply = get_reply_or_404(owner_id(request), pk)
    record_network(request, visitor(request))
    asked = (request.path, request.POST.get("count", ""))
    try:
        fresh = reply_once(
            owner_id(request), _key(request, asked), asked, lambda: act(reply)
        )
    except MessageRefused as refused:
        return _refused(request, reply, refused)
    return response_with_message(request, fresh.message)


def _key(request: Request, asked: Sequence[str]) -> str | None:
    """The idempotency key of the form; None for a page of a release without one."""
    key = request.POST.get("key")
    return f"page:{':'.join(asked)}:{key}" if key else None


def response_with_message(request: Request, message: Message) -> HttpResponse:
    """The answer once a message is part of the active path."""
    is_recent = _is_recent(message)
    url = _message_url(message, is_recent=is_recent)
    page_state = _page_state(request)
    if request.htmx and (
        page_state is None or page_state.leaf is None or not is_recent
    ):
        # The page does not show the end of the path, or the message is not near it.
        return HttpResponseClientRedirect(url)
    return _updated(request, page_state, message.conversation_id, url)


def response_after_action(request: Request, reply: Reply) -> HttpResponse:
    """The answer once an action on a reply is done."""
    url = redirect_to_reply(reply)["Location"]
    conversation = reply.message.conversation_id
    return _updated(request, _page_state(request), conversation, url)


def response_after_change(
    request: Request, conversation: UUID, query: str = ""
) -> HttpResponse:
    """The answer once a turn of a conversation was deleted or restored.

    Without htmx, and where a page does not show the end of the conversation, it is a
    redirect to it with ``query``.
    """
    url = reverse("conversation", args=[conversation]) + query
    page_state = _page_state(request)
    if request.htmx and (page_state is None or page_state.leaf is None):
        return HttpResponseClientRedirect(url)
    return _updated(request, page_state, conversation, url)


def response_after_removal(request: Request, message: Message) -> HttpResponse:
    """The answer once a message was removed from its conversation."""
    url = reverse("conversation", args=[message.conversation_id])
    return _updated(request, _page_state(request), message.conversation_id, url)


def _page_state(request: Request) -> PageState | None:
    """The state of the page; None where it is invalid: the action is done anyway."""
    try:
        return PageState.from_query(request.POST)
    except InvalidPageState:
        return None


def _is_recent(message: Message) -> bool:
    """Whether a page that shows the newest messages shows this one."""
    conversation = message.conversation
    conversation.refresh_from_db(fields=["active_leaf"])
    newest = conversation.path_ids(limit=messages_per_page())
    return message.pk in newest or message.parent_id in newest


def _message_url(message: Message, *, is_recent: bool) -> str:
    """URL of a page that shows a message among its neighbours."""
    page = reverse("conversation", args=[message.conversation_id])
    kind = "message" if message.is_from_user else "reply"
    at = "" if is_recent else f"?at={message.pk}"
    return f"{page}{at}#{kind}-{message.pk}"


def _updated(
    request: Request, page_state: PageState | None, conversation: UUID, url: str
) -> HttpResponse:
    """What changed in a conversation, or a redirect to ``url``.

    A page that another release has made loads again.
    """
    if page_state is None:
        if not request.htmx:
            return HttpResponseRedirect(url, status=303)
        return HttpResponseClientRedirect(url)
    if request.htmx and not page_state.is_current:
        return HttpResponseClientRefresh()
    state = page_state.after_action(conversation)
    return update_or_redirect(request, state, url)


def _refused(request: Request, reply: Reply, refused: MessageRefused) -> HttpResponse:
    """The reason for a refusal, beside the message box or on a page of its own."""
    template = "composer/_error.html" if request.htmx else "replies/refused.html"
    context = {
        "reply": reply,
        **error_context(request, refused.message, refused.retry_seconds),
    }
    return with_refusal_status(
        render(request, template, context), refused.retry_seconds
    )


def error_context(
    request: Request, message: str, retry_seconds: int | None
) -> ErrorContext:
    """The reason for a refusal, and the scarce limit where a retry helps."""
    context: ErrorContext = {"message": message}
    if retry_seconds is not None:
        context = {**context, **scarce_limit_context(request)}
    return context


def with_refusal_status(page: HttpResponse, retry_seconds: int | None) -> HttpResponse:
    """Give a page that explains a refusal its status and ``Retry-After`` header.

    The status is 429 where a retry after ``retry_seconds`` helps, and 422 otherwise.
    """
    page.status_code = 422 if retry_seconds is None else 429
    if retry_seconds is not None:
        page.headers["Retry-After"] = str(retry_seconds)
    return page
