"""Editing, removing and releasing a held message before its turn comes."""

from __future__ import annotations

from contextlib import suppress
from typing import TypedDict
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from chat.forms import MessageForm, new_key
from chat.http.get_or_404 import get_reply_or_404
from chat.http.request import owner_id
from chat.models import Conversation, Reply
from chat.page.action_response import redirect_to_reply
from chat.services import held_messages
from chat.services.errors import MessageRefused
from chat.services.idempotency import once
from chatsite import wire

STARTED = _(
    "Its turn has come, so it can no longer be changed. Your text is here: "
    "copy it, or send it as a new message."
)


class EditContext(TypedDict):
    """For ``messages/edit.html``."""

    #: The held reply to the message.
    reply: Reply
    form: MessageForm


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the form (GET), or save the text (POST).

    A text that cannot be saved any more is shown again, so it is not lost.
    """
    try:
        reply = get_reply_or_404(owner_id(request), pk)
    except Http404:
        if request.method != "POST":
            raise
        # Removed from another tab: the text can become a new message.
        form = MessageForm(request.POST, initial={"key": new_key()})
        return render(request, "messages/removed.html", {"form": form}, status=404)
    if request.method != "POST":
        if reply.state != wire.State.HELD:
            return redirect_to_reply(reply)
        message = reply.message.parent
        text = message.text if message else ""
        return _page(request, reply, MessageForm(initial={"text": text}))
    form = MessageForm(request.POST)
    if not form.is_valid():
        return _page(request, reply, form, status=422)
    try:
        _change(reply, form)
    except MessageRefused as refused:
        form.add_error("text", refused.message)
        return _page(request, reply, form, status=422)
    except held_messages.NotHeld:
        form.add_error("text", STARTED)
        return _page(request, reply, form, status=409)
    return redirect_to_reply(reply)


def _change(reply: Reply, form: MessageForm) -> None:
    """Save the text. Raises ``MessageRefused`` or ``NotHeld``."""
    conversation, text = reply.message.conversation, form.cleaned_data["text"]

    def act() -> Conversation:
        held_messages.edit(reply, text)
        return conversation

    asked = ("edit", reply.pk.hex, text)
    once(conversation.owner_id, form.idempotency_key, asked, act)


def _page(
    request: HttpRequest, reply: Reply, form: MessageForm, status: int = 200
) -> HttpResponse:
    context: EditContext = {"reply": reply, "form": form}
    return render(request, "messages/edit.html", context, status=status)


@require_POST
def remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Remove a held message; one whose turn has come stays."""
    reply = get_reply_or_404(owner_id(request), pk)
    conversation = reply.message.conversation_id
    try:
        held_messages.remove(reply)
    except held_messages.NotHeld:
        return redirect_to_reply(reply)
    page = reverse("conversation", args=[conversation])
    return HttpResponseRedirect(page, status=303)


@require_POST
def proceed(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Release a held message; harmless to repeat, and once its turn has come."""
    reply = get_reply_or_404(owner_id(request), pk)
    # Its turn has come, or another tab released or removed it.
    with suppress(held_messages.NotHeld):
        held_messages.release(reply)
    return redirect_to_reply(reply)
