"""Sending a message into a conversation, or to begin one."""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from chat.accounts.guests import ensure_guest_cookie, get_or_create_sender
from chat.forms import MessageForm, new_key
from chat.http.get_or_404 import get_conversation_or_404, get_user_message_or_404
from chat.http.request import Request, has_account, owner_id
from chat.models import Conversation, Reply
from chat.page.action_response import error_context, with_refusal_status
from chat.page.decorators import with_page_state
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


@require_POST
def send(request: Request, pk: UUID | None = None) -> HttpResponse:
    """Save a message and enqueue its reply; harmless to repeat with the same key."""
    form = MessageForm(request.POST)
    try:
        conversation = get_conversation_or_404(owner_id(request), pk) if pk else None
    except Http404:
        if request.htmx or not form.typed_text.strip():
            raise  # the script keeps the text
        return _not_here(request)
    return _send(request, form, conversation)


@with_page_state
def _send(
    request: Request,
    page_state: PageState,
    form: MessageForm,
    conversation: Conversation | None,
) -> HttpResponse:
    if not form.is_valid():
        return _refused(request, form, conversation)
    if page_state.is_account and not has_account(request):
        return _logged_out(request, form, conversation)
    try:
        reply = _sent(request, form, conversation)
    except MessageRefused as refused:
        form.add_error("text", refused.message)
        return _refused(request, form, conversation, refused.retry_seconds)
    page = reverse("conversation", args=[reply.message.conversation_id])
    if not request.htmx:
        # Without the script, the browser scrolls to the message.
        url = f"{page}#message-{reply.message.parent_id}"
        return HttpResponseRedirect(url, status=303)
    if conversation is None or page_state.leaf is None or form.typed_instead_of:
        # The page does not show the end of the active path, to which this belongs.
        return HttpResponseClientRedirect(page)
    state = page_state.after_action(conversation.pk)
    return update_or_redirect(request, state, page, key=new_key())


def _logged_out(
    request: Request, form: MessageForm, conversation: Conversation | None
) -> HttpResponse:
    """Refuse a message typed in an account's page: the browser is a guest by now."""
    if not request.htmx:  # no script keeps the text during the log-in
        again = MessageForm(request.POST, initial={"key": new_key()})
        context: NotSentContext = {"form": again, "is_logged_out": True}
        return render(request, "messages/not_sent.html", context, status=422)
    error = _("You’ve been logged out. Log in to send this; your text is safe.")
    form.add_error("text", error)
    return _refused(request, form, conversation)


def _not_here(request: HttpRequest) -> HttpResponse:
    """Show the text in a form for a new conversation: this one is gone.

    It was deleted in another tab, or its owner was logged out from another browser.
    """
    form = MessageForm(request.POST, initial={"key": new_key()})
    context: NotSentContext = {"form": form, "is_logged_out": False}
    return render(request, "messages/not_sent.html", context, status=404)


def _sent(
    request: HttpRequest, form: MessageForm, conversation: Conversation | None
) -> Reply:
    """Save the message. Raises ``MessageRefused``."""
    text, old = form.cleaned_data["text"], form.cleaned_data["instead_of"]
    replaced = (
        get_user_message_or_404(conversation, old) if conversation and old else None
    )
    key = form.idempotency_key
    check_key(key)  # before a guest is created for the message
    return messages.send_message(
        get_or_create_sender(request, is_message=True),
        text,
        key,
        conversation,
        instead_of=replaced,
    )


def _refused(
    request: Request,
    form: MessageForm,
    conversation: Conversation | None,
    retry_seconds: int | None = None,
) -> HttpResponse:
    """Show the reason beside the form, which keeps the text."""
    if request.htmx:
        context = error_context(request, form.error, retry_seconds)
        page = render(request, "composer/_error.html", context)
        ensure_guest_cookie(request, page)
    elif conversation is None:
        page = home_page(request, form)
    else:
        page = conversation_page(request, conversation, form)
    return with_refusal_status(page, retry_seconds)
