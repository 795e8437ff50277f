"""Renaming a conversation, in the list of a page or on a page of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat.http.get_or_404 import get_conversation_or_404
from chat.http.request import Request, owner_id
from chat.models import Conversation
from chat.page.decorators import with_page_state
from chat.page.state import PageState
from chat.page.update_response import update_or_redirect
from chat.services import conversations


class RenameContext(TypedDict):
    """For ``conversations/rename.html``, ``_rename.html`` and ``_title_error.html``."""

    conversation: Conversation
    #: The title as it was typed.
    title: str
    #: Why the title was refused; empty while it was not.
    error: str


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def rename(request: Request, pk: UUID) -> HttpResponse:
    """Show the form (GET), or save the title (POST)."""
    conversation = get_conversation_or_404(owner_id(request), pk)
    if request.method == "POST":
        return _rename(request, conversation)
    return _form(request, conversation, conversation.title)


@with_page_state
def _rename(
    request: Request, page_state: PageState, conversation: Conversation
) -> HttpResponse:
    title = request.POST.get("title", "")
    try:
        conversations.rename(conversation, title)
    except conversations.TitleRefused as refused:
        return _form(request, conversation, title, refused.message)
    page = reverse("conversation", args=[conversation.pk])
    return update_or_redirect(request, replace(page_state, change_counter=""), page)


def _form(
    request: Request, conversation: Conversation, title: str, error: str = ""
) -> HttpResponse:
    """The form; to a script that sent it, only what is wrong."""
    if not request.htmx:
        template = "conversations/rename.html"
    elif error:
        template = "conversations/_title_error.html"
    else:
        template = "conversations/_rename.html"
    context: RenameContext = {
        "conversation": conversation,
        "title": title,
        "error": error,
    }
    return render(request, template, context, status=422 if error else 200)
