"""Forking a conversation from one of its messages."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from chat.http.get_or_404 import get_conversation_or_404, get_message_or_404
from chat.http.request import Request, owner_id
from chat.page.action_response import error_context
from chat.services.errors import MessageRefused
from chat.services.fork import fork as make_fork


@require_POST
def fork(request: Request, pk: UUID) -> HttpResponse:
    """Fork the conversation of a message, once for each button that a page showed."""
    owner = owner_id(request)
    message = get_message_or_404(owner, pk)
    conversation = get_conversation_or_404(owner, message.conversation_id)
    raw = request.POST.get("fork", "")
    key = f"page:fork:{raw}" if raw else None
    try:
        made = make_fork(message, conversation.owner, key)
    except MessageRefused as refused:
        return _refused(request, conversation.pk, refused)
    page = reverse("conversation", args=[made.pk])
    if request.htmx:
        return HttpResponseClientRedirect(page)
    return HttpResponseRedirect(page, status=303)


def _refused(request: Request, pk: UUID, refused: MessageRefused) -> HttpResponse:
    """The reason below the message box; without htmx, the conversation as it is."""
    if not request.htmx:
        return HttpResponseRedirect(reverse("conversation", args=[pk]), status=303)
    said = error_context(request, refused.message, None)
    return render(request, "composer/_error.html", said, status=422)
