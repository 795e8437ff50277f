"""The answer to what was done to a reply: the page as it is now, or the way back."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from chat.models import Reply
from chat.services.refusal import PromptRefused
from chat.services.watching import NotYours
from chat.views.browser import Request, owner_id
from chat.views.known import BadQuery, Known, shown_at_once
from chat.views.lookups import get_reply_or_404
from chat.views.poll import not_found, out_of_date
from chat.views.updates import update


def back_to(reply: Reply) -> HttpResponse:
    page = reverse("conversation", args=[reply.message.conversation_id])
    return HttpResponseRedirect(f"{page}#reply-{reply.pk}", status=303)


def answer_again(
    request: Request, pk: UUID, act: Callable[[Reply], Reply]
) -> HttpResponse:
    """Ask for another reply by what ``act`` does to the one of this id."""
    reply = get_reply_or_404(owner_id(request), pk)
    try:
        fresh = act(reply)
    except PromptRefused as refused:
        return _refused(request, reply, refused)
    return page_after(request, fresh) if _is_recent(fresh) else _at(request, fresh)


def _is_recent(reply: Reply) -> bool:
    """Whether a page that shows the newest messages shows this one, too."""
    newest = reply.message.conversation.path_ids(limit=shown_at_once())
    return reply.message.parent_id in newest


def _at(request: Request, reply: Reply) -> HttpResponse:
    """A page of its place: no page of the newest messages asks after it."""
    page = reverse("conversation", args=[reply.message.conversation_id])
    address = f"{page}?at={reply.pk}#reply-{reply.pk}"
    if request.htmx:
        return HttpResponseClientRedirect(address)
    return HttpResponseRedirect(address, status=303)


def page_after(request: Request, reply: Reply) -> HttpResponse:
    """The page of a reply, after something was done to it."""
    if not request.htmx:
        return back_to(reply)
    return updated(request, reply.message.conversation_id)


def updated(request: Request, conversation: UUID) -> HttpResponse:
    """What the page that asks lacks of its conversation, now that it did something."""
    try:
        known = Known.from_query(request.POST)
        if known.leaf is None:  # it shows another part of the conversation
            page = reverse("conversation", args=[conversation])
            return HttpResponseClientRedirect(page)
        return update(request, known.after_action(conversation))
    except BadQuery:
        return out_of_date()
    except NotYours as refused:
        return not_found(is_signed_out=refused.is_signed_out)


def _refused(request: Request, reply: Reply, refused: PromptRefused) -> HttpResponse:
    """Why not now, beside the message box or on a page with the way back."""
    status = 422 if refused.retry_seconds is None else 429
    template = "_refused.html" if request.htmx else "refused.html"
    context = {"reply": reply, "message": refused.message}
    response = render(request, template, context, status=status)
    if refused.retry_seconds is not None:
        response.headers["Retry-After"] = str(refused.retry_seconds)
    return response
