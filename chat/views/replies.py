"""Actions on replies: stop, other versions, details."""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from chat.http.get_or_404 import get_message_or_404, get_reply_or_404
from chat.http.request import Request, owner_id
from chat.models import Reply
from chat.page.action_response import (
    create_new_version,
    response_after_action,
    response_with_message,
)
from chat.page.messages import Versions, versions_of
from chat.services import reply_versions
from chat.services.errors import MessageRefused
from chat.services.jobs.run_now import run_now as move_into_line
from chat.services.jobs.stop import batch_of, stop_reply
from chat.services.jobs.workers import precisions_of


class DetailsContext(TypedDict):
    """For ``replies/details.html`` and ``_details.html``."""

    reply: Reply
    #: Their number is the idempotency key of the form.
    versions: Versions
    #: In what the model is computed now, if not as when the reply was written.
    other_precision: str


@require_POST
def stop(request: Request, pk: UUID) -> HttpResponse:
    """Stop a reply and keep its text; harmless to repeat, and after its end.

    With ``together``, stop also the replies that were requested together with it.
    """
    reply = get_reply_or_404(owner_id(request), pk)
    replies = batch_of(reply) if "together" in request.POST else [reply]
    for each in replies:
        if not each.is_terminal:
            stop_reply(each)
    return response_after_action(request, reply)


@require_POST
def run_now(request: Request, pk: UUID) -> HttpResponse:
    """Let a reply wait no longer until workers are idle; harmless to repeat."""
    reply = get_reply_or_404(owner_id(request), pk)
    move_into_line(reply)
    return response_after_action(request, reply)


@require_POST
def retry(request: Request, pk: UUID) -> HttpResponse:
    """Request a failed or stopped reply again, at most once while one is pending."""
    return create_new_version(request, pk, reply_versions.retry)


@require_POST
def repeat(request: Request, pk: UUID) -> HttpResponse:
    """Request a reply again with the same settings and seed."""
    return create_new_version(request, pk, reply_versions.repeat)


@require_POST
def resume(request: Request, pk: UUID) -> HttpResponse:
    """Request a version that continues the text of a reply."""
    return create_new_version(request, pk, reply_versions.resume)


@require_POST
def vary(request: Request, pk: UUID) -> HttpResponse:
    """Request ``count`` other versions; harmless to repeat while they are pending."""
    raw = request.POST.get("count", "1")
    count = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 4 else 0
    return create_new_version(
        request, pk, lambda reply: reply_versions.vary(reply, count)
    )


@require_POST
def choose(request: Request, pk: UUID) -> HttpResponse:
    """Make a version of a message, and what follows it, the active path."""
    message = get_message_or_404(owner_id(request), pk)
    try:
        reply_versions.choose(message)
    except MessageRefused as deleted:
        raise Http404 from deleted
    return response_with_message(request, message)


@require_safe
@cache_control(private=True, no_cache=True)
# The Back button must not show the fragment for htmx as a page.
@vary_on_headers("HX-Request")
def details(request: Request, pk: UUID) -> HttpResponse:
    """Show how a reply was made: a page, or for htmx a fragment."""
    reply = get_reply_or_404(owner_id(request), pk)
    template = "replies/_details.html" if request.htmx else "replies/details.html"
    context: DetailsContext = {
        "reply": reply,
        "versions": versions_of([reply.message])[reply.pk],
        "other_precision": _other_precision(reply),
    }
    return render(request, template, context)


def _other_precision(reply: Reply) -> str:
    """Return in what the model is computed now; empty if as before, or unknown."""
    is_known = reply.precision and reply.is_made_known
    now = precisions_of(reply.model) if is_known else set()
    return "" if reply.precision in now else ", ".join(sorted(now))
