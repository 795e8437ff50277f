"""Editing, removing and releasing a held message before its turn comes."""

from __future__ import annotations

from contextlib import suppress
from typing import TypedDict
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from chat.forms import MessageForm, new_key
from chat.http.get_or_404 import get_reply_or_404
from chat.http.request import Request, owner_id
from chat.models import Conversation, Message, Reply
from chat.page.action_response import (
    redirect_to_reply,
    response_after_action,
    response_after_removal,
)
from chat.services import held_messages
from chat.services.errors import MessageRefused
from chat.services.idempotency import once
from chat.views.messages import EditorContext, edit_message
from chatsite import wire

STARTED = _(
    "The reply has started, so this can’t be edited any more. Your text is below: copy"
    " it, or send it as a new message."
)
STARTED_IN_PLACE = _("The reply has started. Send to make this a new version.")
CHANGED = _("This message was edited elsewhere. Save again to keep your text instead.")


class EditContext(TypedDict):
    """For ``messages/edit.html``."""

    #: The held reply to the message.
    reply: Reply
    form: MessageForm


@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(private=True, no_cache=True)
@vary_on_headers("HX-Request")
def edit(request: Request, pk: UUID) -> HttpResponse:
    """Show the form (GET), or save the text (POST): a page, or for htmx in place.

    A text that cannot be saved any more is shown again, so it is not lost.
    """
    try:
        reply = get_reply_or_404(owner_id(request), pk)
    except Http404:
        if request.method != "POST" or request.htmx:
            raise  # the script keeps the text
        # Removed from another tab: the text can become a new message.
        form = MessageForm(request.POST, initial={"key": new_key()})
        return render(request, "messages/removed.html", {"form": form}, status=404)
    if request.method == "POST":
        return _save(request, reply, MessageForm(request.POST))
    if reply.state == wire.State.HELD:
        text = _message(reply).text
        initial = {"text": text, "version": held_messages.version_of(text)}
        return _page(request, reply, MessageForm(initial={**initial, "key": new_key()}))
    if request.htmx:
        return edit_message(request, _message(reply).pk)
    return redirect_to_reply(reply)


def _save(request: Request, reply: Reply, form: MessageForm) -> HttpResponse:
    if not form.is_valid():
        return _page(request, reply, form, status=422)
    try:
        _change(reply, form)
    except MessageRefused as refused:
        form.add_error("text", refused.message)
        return _page(request, reply, form, status=422)
    except held_messages.NotHeld:
        return _too_late(request, reply, form)
    except held_messages.Changed:
        version = held_messages.version_of(_message(reply).text)
        again = MessageForm({"text": form.typed_text, "version": version})
        again.add_error("text", CHANGED)
        return _page(request, reply, again, status=409)
    return response_after_action(request, reply)


def _too_late(request: Request, reply: Reply, form: MessageForm) -> HttpResponse:
    """Show the text again; in place, it can become another version of the message."""
    if not request.htmx:
        form.add_error("text", STARTED)
        return _page(request, reply, form, status=409)
    pk = str(_message(reply).pk)
    again = MessageForm({"text": form.typed_text, "instead_of": pk})
    again.add_error("text", STARTED_IN_PLACE)
    return _page(request, reply, again, status=409)


def _message(reply: Reply) -> Message:
    """The message that a reply answers. Raises ``Http404``."""
    if reply.message.parent is None:
        raise Http404
    return reply.message.parent


def _change(reply: Reply, form: MessageForm) -> None:
    """Save the text. Raises ``MessageRefused``, ``NotHeld`` or ``Changed``."""
    conversation, text = reply.message.conversation, form.cleaned_data["text"]

    def act() -> Conversation:
        held_messages.edit(reply, text, form.typed_version)
        return conversation

    asked = ("edit", reply.pk.hex, text)
    once(conversation.owner_id, form.idempotency_key, asked, act)


def _page(
    request: Request, reply: Reply, form: MessageForm, status: int = 200
) -> HttpResponse:
    """The form with the text; an editor in place takes that of the page before it."""
    if not request.htmx:
        page: EditContext = {"reply": reply, "form": form}
        return render(request, "messages/edit.html", page, status=status)
    message = _message(reply)
    conversation = message.conversation_id
    editor: EditorContext = {
        "message": message,
        "form": form,
        "action": reverse("send", args=[conversation])
        if form.typed_instead_of
        else reverse("edit", args=[reply.pk]),
        "is_oob": form.is_bound,
    }
    # htmx swaps no other answer to a refused request.
    shown = 422 if form.is_bound else status
    return render(request, "messages/_editor.html", editor, status=shown)


@require_POST
def remove(request: Request, pk: UUID) -> HttpResponse:
    """Remove a held message; one whose turn has come stays."""
    reply = get_reply_or_404(owner_id(request), pk)
    message = reply.message
    with suppress(held_messages.NotHeld):
        held_messages.remove(reply)
        return response_after_removal(request, message)
    return response_after_action(request, reply)


@require_POST
def proceed(request: Request, pk: UUID) -> HttpResponse:
    """Release a held message; harmless to repeat, and once its turn has come."""
    reply = get_reply_or_404(owner_id(request), pk)
    # Its turn has come, or another tab released or removed it.
    with suppress(held_messages.NotHeld):
        held_messages.release(reply)
    return response_after_action(request, reply)
