"""Editing the text of a reply, which becomes another version of it."""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from chat.forms import MessageForm, new_key
from chat.http.get_or_404 import get_reply_or_404
from chat.http.request import Request, owner_id
from chat.models import Reply
from chat.page.action_response import response_with_message
from chat.services.errors import MessageRefused
from chat.services.idempotency import reply_once
from chat.services.rewrite import rewrite as save_text
from chat.views.messages import EditorContext


class RewriteContext(TypedDict):
    """For ``replies/rewrite.html``."""

    reply: Reply
    form: MessageForm


@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(private=True, no_cache=True)
# The Back button must not show the fragment for htmx as a page.
@vary_on_headers("HX-Request")
def rewrite(request: Request, pk: UUID) -> HttpResponse:
    """Show the form (GET), or save the text (POST): a page, or for htmx in place."""
    reply = get_reply_or_404(owner_id(request), pk)
    if not reply.is_terminal:
        raise Http404
    if request.method != "POST":
        initial = {"text": reply.message.text, "key": new_key()}
        return _page(request, reply, MessageForm(initial=initial))
    form = MessageForm(request.POST)
    if not form.is_valid():
        return _page(request, reply, form, status=422)
    text = form.cleaned_data["text"]
    asked = ("rewrite", pk.hex, text)
    try:
        fresh = reply_once(
            owner_id(request),
            form.idempotency_key,
            asked,
            lambda: save_text(reply, text),
        )
    except MessageRefused as refused:
        form.add_error("text", refused.message)
        return _page(request, reply, form, status=422)
    return response_with_message(request, fresh.message)


def _page(
    request: Request, reply: Reply, form: MessageForm, status: int = 200
) -> HttpResponse:
    """The form with the text; an editor in place takes that of the page before it."""
    if not request.htmx:
        page: RewriteContext = {"reply": reply, "form": form}
        return render(request, "replies/rewrite.html", page, status=status)
    editor: EditorContext = {
        "message": reply.message,
        "form": form,
        "action": reverse("rewrite", args=[reply.pk]),
        "is_oob": form.is_bound,
    }
    return render(request, "messages/_editor.html", editor, status=status)
