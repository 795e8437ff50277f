"""The first page: a new conversation."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from chat.accounts.guests import remember_guest
from chat.forms import MessageForm, new_key
from chat.http.get_or_404 import get_conversation_or_404, get_prompt_or_404
from chat.http.request import owner_id
from chat.middleware.security_headers import leaving_nothing
from chat.models import Conversation
from chat.page.context import (
    frame_context,
    message_context,
    page_context,
    with_worker_state,
)
from chat.page.logged_out_notice import are_drafts_kept, is_guest_lost, was_logged_out
from chat.page.message_window import MessageWindow, around, before, latest
from chat.page.messages import MessageList
from chat.page.state import PageState
from chat.page.undo_notice import requested_undo_notice
from chat.services.context_usage import ContextUsage, context_usage
from chat.services.conversations import mark_read
from chat.services.effective_settings import (
    EffectiveSettings,
    effective_settings,
    model_to_watch,
)
from chat.services.jobs.status import NotOwner


@require_safe
@cache_control(private=True, no_cache=True)
def home(request: HttpRequest) -> HttpResponse:
    """An empty conversation; ``?text=`` begins the first prompt."""
    begun = request.GET.get("text", "")
    return home_page(request, MessageForm(initial={"text": begun, "key": new_key()}))


def home_page(request: HttpRequest, form: MessageForm) -> HttpResponse:
    is_ended = was_logged_out(request)
    context = frame_context(request, form)
    context |= {
        "undo": requested_undo_notice(request),
        "is_ended": is_ended,
        "is_guest_lost": is_guest_lost(request),
        "are_drafts_kept": are_drafts_kept(request),
    }
    response = render(request, "conversations/home.html", context)
    remember_guest(request, response)
    return leaving_nothing(response) if is_ended else response


@require_safe
@cache_control(private=True, no_cache=True)
def conversation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """``?at=`` a message, ``?before=`` one; ``?edit=`` puts a prompt into the form."""
    found = get_conversation_or_404(owner_id(request), pk)
    edited = _message_id(request, "edit")
    if edited is None:
        return conversation_page(request, found, window=_window(request, found))
    prompt = get_prompt_or_404(found, edited)
    form = MessageForm(
        initial={"text": prompt.text, "key": new_key(), "instead_of": str(prompt.pk)}
    )
    return conversation_page(request, found, form, window=around(found, prompt.pk))


def conversation_page(
    request: HttpRequest,
    conversation: Conversation,
    form: MessageForm | None = None,
    window: MessageWindow | None = None,
) -> HttpResponse:
    """The whole page; a form that was refused is shown again as it was typed."""
    chosen = effective_settings(conversation.owner, conversation)
    window = window or latest(conversation)
    entry = model_to_watch(conversation) if window.has_queued else chosen.entry
    try:
        thread, view = MessageList.of(request, entry.name, window)
    except NotOwner as refused:
        raise Http404 from refused
    mark_read(conversation)
    known = PageState(conversation=conversation.pk, model=entry.name)
    known = with_worker_state(view, thread.known(known, view.changes))
    context = {
        **page_context(view, entry, known, form, conversation.owner),
        "conversation": conversation,
        "thread": thread,
        "filling": _filling(window, chosen),
        "undo": requested_undo_notice(request),
    }
    return render(request, "conversations/conversation.html", context)


def _filling(window: MessageWindow, chosen: EffectiveSettings) -> ContextUsage | None:
    """Of the conversation as it goes on, if that is what is shown."""
    if window.leaf is None:
        return None
    return context_usage(window.messages, chosen, has_earlier=window.has_earlier)


def _window(request: HttpRequest, conversation: Conversation) -> MessageWindow:
    if (message := _message_id(request, "at")) is not None:
        window = around(conversation, message)
    elif (message := _message_id(request, "before")) is not None:
        window = before(conversation, message)
    else:
        return latest(conversation)
    if not window.messages:
        raise Http404
    return window


def _message_id(request: HttpRequest, name: str) -> UUID | None:
    raw = request.GET.get(name)
    if not raw:
        return None
    try:
        return UUID(raw)
    except ValueError:
        raise Http404 from None


@require_safe
@never_cache
def earlier(request: HttpRequest, pk: UUID) -> HttpResponse:
    """``?before=`` the first message shown."""
    conversation = get_conversation_or_404(owner_id(request), pk)
    entry = effective_settings(conversation.owner, conversation).entry
    try:
        window = before(conversation, UUID(request.GET.get("before", "")))
        thread, view = MessageList.of(request, entry.name, window)
    except (ValueError, NotOwner) as error:
        raise Http404 from error
    known = thread.known(PageState(), "")
    context = {"thread": thread, "view": view, "label": entry.label, "known": known}
    return render(request, "messages/_earlier.html", context | message_context())
