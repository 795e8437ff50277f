"""Sending a message into a conversation, or to begin one."""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRedirect

from chat.accounts.guests import ensure_guest_cookie, sender
from chat.forms import MessageForm, new_key
from chat.http.get_or_404 import (
    get_conversation_or_404,
    get_message_or_404,
    get_user_message_or_404,
)
from chat.http.request import Request, has_account, owner_id
from chat.models import Conversation, Message, Reply
from chat.page.action_response import error_context, with_refusal_status
from chat.page.decorators import with_page_state
from chat.page.sent_response import append_or_update
from chat.page.state import PageState
from chat.page.update_response import update_or_redirect
from chat.services import messages
from chat.services.errors import MessageRefused
from chat.services.idempotency import check_key
from chat.views.conversations import conversation_page, home_page


class NotSentContext(TypedDict):
    """For ``messages/not_sent.html``."""

    #: The text with a new key, for a new conversation.
    form: MessageForm
    #: Whether the account was logged out; otherwise the conversation is gone.
    is_logged_out: bool


class EditorContext(TypedDict):
    """For ``messages/_editor.html``."""

    message: Message
    form: MessageForm
    #: URL to which the form is sent.
    action: str
    #: Whether it replaces the editor that was sent.
    is_oob: bool


@require_safe
@cache_control(private=True, no_cache=True)
# The Back button must not show the fragment for htmx as a page.
@vary_on_headers("HX-Request")
def edit_message(request: Request, pk: UUID) -> HttpResponse:
    """Show the editor in place of a message; without htmx, the page to edit it."""
    message = get_message_or_404(owner_id(request), pk)
    if not message.is_from_user:
        raise Http404
    page = reverse("conversation", args=[message.conversation_id])
    if not request.htmx:
        return HttpResponseRedirect(f"{page}?edit={pk}#message-{pk}")
    initial = {"text": message.text, "key": new_key(), "instead_of": str(pk)}
    context: EditorContext = {
        "message": message,
        "form": MessageForm(initial=initial),
        "action": reverse("send", args=[message.conversation_id]),
        "is_oob": False,
    }
    return render(request, "messages/_editor.html", context)


@require_POST
def send(request: Request, pk: UUID | None = None) -> HttpResponse:
    """Save a message and enqueue its reply; harmless to repeat with the same key."""
    form = MessageForm(request.POST)
    try:
        return _send(request, form, pk)
    except Http404:
        if request.htmx or not form.typed_text.strip():
            raise  # the script keeps the text
        return _not_here(request)


@with_page_state
def _send(
    request: Request, page_state: PageState, form: MessageForm, pk: UUID | None
) -> HttpResponse:
    """The answer to a message. ``pk`` is looked up where the message is saved."""
    if not form.is_valid():
        return _refused(request, form, pk)
    if page_state.is_account and not has_account(request):
        return _logged_out(request, form, pk)
    try:
        reply = _sent(request, form, pk)
    except MessageRefused as refused:
        form.add_error("text", refused.message)
        return _refused(request, form, pk, refused.retry_seconds)
    page = reverse("conversation", args=[reply.message.conversation_id])
    if not request.htmx:
        # Without the script, the browser scrolls to the message.
        url = f"{page}#message-{reply.message.parent_id}"
        return HttpResponseRedirect(url, status=303)
    is_elsewhere = form.typed_instead_of and not form.is_in_place
    if pk is None or page_state.leaf is None or is_elsewhere:
        # The page does not show the end of the active path, to which this belongs.
        return HttpResponseClientRedirect(page)
    if form.is_in_place:
        state = page_state.after_action(reply.message.conversation_id)
        return update_or_redirect(request, state, page)
    return append_or_update(request, page_state, reply, page, key=new_key())


def _logged_out(request: Request, form: MessageForm, pk: UUID | None) -> HttpResponse:
    """Refuse a message typed in an account's page: the browser is a guest by now."""
    _conversation(request, pk)
    if not request.htmx:  # no script keeps the text during the log-in
        again = MessageForm(request.POST, initial={"key": new_key()})
        context: NotSentContext = {"form": again, "is_logged_out": True}
        return render(request, "messages/not_sent.html", context, status=422)
    error = _("You’ve been logged out. Log in to send this; your text is safe.")
    form.add_error("text", error)
    return _refused(request, form, pk)


def _conversation(request: HttpRequest, pk: UUID | None) -> Conversation | None:
    return get_conversation_or_404(owner_id(request), pk) if pk else None


def _not_here(request: HttpRequest) -> HttpResponse:
    """Show the text in a form for a new conversation: this one is gone.

    It was deleted in another tab, or its owner was logged out from another browser.
    """
    form = MessageForm(request.POST, initial={"key": new_key()})
    context: NotSentContext = {"form": form, "is_logged_out": False}
    return render(request, "messages/not_sent.html", context, status=404)


def _sent(request: HttpRequest, form: MessageForm, pk: UUID | None) -> Reply:
    """Save the message. Raises ``MessageRefused``."""
    text, old = form.cleaned_data["text"], form.cleaned_data["instead_of"]
    is_looked_up = old or owner_id(request) is None  # a new guest owns nothing
    conversation = _conversation(request, pk) if is_looked_up else None
    replaced = _replaced(form, conversation, old) if conversation and old else None
    key = form.idempotency_key
    check_key(key)  # before a guest is created for the message
    with sender(request) as user:
        return messages.send_message(
            user,
            text,
            key,
            pk,
            instead_of=replaced,
            preset=form.typed_preset,
            is_temporary=form.is_temporary,
            when_idle=form.is_for_idle_time,
        )


def _replaced(form: MessageForm, conversation: Conversation, old: UUID) -> Message:
    """The message of which another version is sent.

    Raises ``MessageRefused`` where the page shows it, and ``Http404`` otherwise.
    """
    try:
        return get_user_message_or_404(conversation, old)
    except Http404:
        if form.is_in_place:
            raise messages.message_gone() from None
        raise


def _refused(
    request: Request,
    form: MessageForm,
    pk: UUID | None,
    retry_seconds: int | None = None,
) -> HttpResponse:
    """Show the reason beside the form, which keeps the text.

    Raises ``Http404`` for a conversation that is not there: that is the first reason.
    """
    conversation = _conversation(request, pk)
    if request.htmx:
        context = error_context(request, form.error, retry_seconds)
        if form.is_in_place and (old := form.cleaned_data.get("instead_of")):
            context["place"] = f"edit-refusal-{old}"
        page = render(request, "composer/_error.html", context)
        ensure_guest_cookie(request, page)
    elif conversation is None:
        page = home_page(request, form)
    else:
        page = conversation_page(request, conversation, form)
    return with_refusal_status(page, retry_seconds)
