"""Sending a prompt, into a conversation or to begin one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from chat.accounts.guests import remember_guest, sender
from chat.forms import MessageForm, new_key
from chat.http.get_or_404 import get_conversation_or_404, get_prompt_or_404
from chat.http.request import Request, has_account, owner_id
from chat.models import Conversation, Reply
from chat.page.action_response import with_refusal_status
from chat.page.context_limits import scarce_limit_context
from chat.page.state import InvalidPageState, PageState
from chat.page.update_response import update
from chat.services import messages
from chat.services.errors import MessageRefused
from chat.services.idempotency import check_key
from chat.services.jobs.status import NotOwner
from chat.views.conversations import conversation_page, home_page
from chat.views.poll import out_of_date


@require_POST
def send(request: Request, pk: UUID | None = None) -> HttpResponse:
    """Save and enqueue; harmless to repeat with the same key and text."""
    form = MessageForm(request.POST)
    try:
        conversation = get_conversation_or_404(owner_id(request), pk) if pk else None
    except Http404:
        if request.htmx or not form.typed_text.strip():
            raise  # the script keeps the text
        return _not_here(request)
    try:
        known = PageState.from_query(request.POST)
    except InvalidPageState:
        return out_of_date()
    if not form.is_valid():
        return _refused(request, form, conversation)
    if known.is_accounts and not has_account(request):
        return _logged_out(request, form, conversation)
    try:
        reply = _sent(request, form, conversation)
    except MessageRefused as refused:
        form.add_error("text", refused.message)
        return _refused(request, form, conversation, refused.retry_seconds)
    if not request.htmx:
        # Without the script, the page is read from the prompt on.
        address = f"{_page(reply)}#message-{reply.message.parent_id}"
        return HttpResponseRedirect(address, status=303)
    # A page that shows another part of the conversation, or changes a prompt of it.
    if conversation is None or known.leaf is None or form.typed_instead_of:
        return HttpResponseClientRedirect(_page(reply))
    try:
        return update(request, known.after_action(conversation.pk), key=new_key())
    except NotOwner:  # of something else that the page says it shows
        return HttpResponseClientRedirect(_page(reply))


def _logged_out(
    request: Request, form: MessageForm, conversation: Conversation | None
) -> HttpResponse:
    """What was typed as an account is not sent as the guest of the same browser."""
    if not request.htmx:  # no script keeps the text while its person logs in
        again = MessageForm(request.POST, initial={"key": new_key()})
        context = {"form": again, "is_logged_out": True}
        return render(request, "messages/not_sent.html", context, status=422)
    said = _("You were logged out in this browser. Log in to send this: it is kept.")
    form.add_error("text", said)
    return _refused(request, form, conversation)


def _not_here(request: HttpRequest) -> HttpResponse:
    """Deleted in another tab, or its owner was logged out from another browser: what
    was typed comes back, and can become a new message."""
    form = MessageForm(request.POST, initial={"key": new_key()})
    return render(request, "messages/not_sent.html", {"form": form}, status=404)


def _sent(
    request: HttpRequest, form: MessageForm, conversation: Conversation | None
) -> Reply:
    """Raises ``MessageRefused``."""
    text, old = form.cleaned_data["text"], form.cleaned_data["instead_of"]
    prompt = get_prompt_or_404(conversation, old) if conversation and old else None
    key = form.idempotency_key
    check_key(key)  # what is refused makes no guest
    return messages.send_message(
        sender(request, is_message=True), text, key, conversation, instead_of=prompt
    )


def _refused(
    request: Request,
    form: MessageForm,
    conversation: Conversation | None,
    retry_seconds: int | None = None,
) -> HttpResponse:
    """The message beside the form, and the typed text kept."""
    if request.htmx:
        context: dict[str, Any] = {"message": form.error}
        if retry_seconds is not None:
            context |= scarce_limit_context(request)
        page = render(request, "composer/_error.html", context)
        remember_guest(request, page)
    elif conversation is None:
        page = home_page(request, form)
    else:
        page = conversation_page(request, conversation, form)
    return with_refusal_status(page, retry_seconds)


def _page(reply: Reply) -> str:
    return reverse("conversation", args=[reply.message.conversation_id])
