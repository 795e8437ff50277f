"""Another title for a conversation."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from chat.http.get_or_404 import get_conversation_or_404
from chat.http.request import Request, owner_id
from chat.models import Conversation
from chat.page.state import InvalidPageState, PageState
from chat.page.update_response import update
from chat.services import conversations
from chat.services.jobs.status import NotOwner
from chat.views.poll import out_of_date


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def rename(request: Request, pk: UUID) -> HttpResponse:
    """In the list of a page, or on a page of its own."""
    conversation = get_conversation_or_404(owner_id(request), pk)
    if request.method != "POST":
        return _form(request, conversation, conversation.title)
    title = request.POST.get("title", "")
    try:
        known = PageState.from_query(request.POST)
    except InvalidPageState:
        return out_of_date()
    try:
        conversations.rename(conversation, title)
    except conversations.TitleRefused as refused:
        return _refused(request, conversation, title, refused.message)
    page = reverse("conversation", args=[pk])
    if not request.htmx:
        return HttpResponseRedirect(page, status=303)
    return _renamed(request, known, page)


def _form(
    request: Request,
    conversation: Conversation,
    title: str,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    template = (
        "conversations/_rename.html" if request.htmx else "conversations/rename.html"
    )
    context = {
        "conversation": conversation,
        "title": title,
        "error": error,
        "limit": conversations.TITLE_MAX_CHARACTERS,
    }
    return render(request, template, context, status=status)


def _refused(
    request: Request, conversation: Conversation, title: str, error: str
) -> HttpResponse:
    """What is wrong, beside the title as it was typed."""
    if request.htmx:
        context = {"conversation": conversation, "error": error}
        return render(request, "conversations/_title_error.html", context, status=422)
    return _form(request, conversation, title, error, status=422)


def _renamed(request: Request, known: PageState, page: str) -> HttpResponse:
    """The list, and the heading if the conversation is open, as they are now."""
    try:
        return update(request, replace(known, changes=""))
    except (NotOwner, Http404):  # of something else that the page says it shows
        return HttpResponseClientRedirect(page)
