"""The first page: a new conversation."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from chat.accounts.guests import remember_guest
from chat.forms import PromptForm, new_key
from chat.http.get_or_404 import get_conversation_or_404, get_prompt_or_404
from chat.http.request import owner_id
from chat.middleware.security_headers import leaving_nothing
from chat.models import Conversation
from chat.page.context import around_context, message_context, page_context, told
from chat.page.logged_out_notice import are_drafts_kept, has_ended, is_guest_lost
from chat.page.message_window import Window, around, before, latest
from chat.page.messages import Thread
from chat.page.state import Known
from chat.page.undo_notice import undo_asked_for
from chat.services.context_usage import Filling, filling
from chat.services.conversations import see
from chat.services.effective_settings import Preferred, preferred, watched
from chat.services.jobs.status import NotYours


@require_safe
@cache_control(private=True, no_cache=True)
def home(request: HttpRequest) -> HttpResponse:
    """An empty conversation; ``?text=`` begins the first prompt."""
    begun = request.GET.get("text", "")
    return home_page(request, PromptForm(initial={"text": begun, "key": new_key()}))


def home_page(request: HttpRequest, form: PromptForm) -> HttpResponse:
    is_ended = has_ended(request)
    context = around_context(request, form)
    context |= {
        "undo": undo_asked_for(request),
        "is_ended": is_ended,
        "is_guest_lost": is_guest_lost(request),
        "are_drafts_kept": are_drafts_kept(request),
    }
    response = render(request, "home.html", context)
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
    form = PromptForm(
        initial={"text": prompt.text, "key": new_key(), "instead_of": str(prompt.pk)}
    )
    return conversation_page(request, found, form, window=around(found, prompt.pk))


def conversation_page(
    request: HttpRequest,
    conversation: Conversation,
    form: PromptForm | None = None,
    window: Window | None = None,
) -> HttpResponse:
    """The whole page; a form that was refused is shown again as it was typed."""
    chosen = preferred(conversation.owner, conversation)
    window = window or latest(conversation)
    entry = watched(conversation) if window.has_queued else chosen.entry
    try:
        thread, view = Thread.of(request, entry.name, window)
    except NotYours as refused:
        raise Http404 from refused
    see(conversation)
    known = Known(conversation=conversation.pk, model=entry.name)
    known = told(view, thread.known(known, view.changes))
    context = {
        **page_context(view, entry, known, form, conversation.owner),
        "conversation": conversation,
        "thread": thread,
        "filling": _filling(window, chosen),
        "undo": undo_asked_for(request),
    }
    return render(request, "conversation.html", context)


def _filling(window: Window, chosen: Preferred) -> Filling | None:
    """Of the conversation as it goes on, if that is what is shown."""
    if window.leaf is None:
        return None
    return filling(window.messages, chosen, has_earlier=window.has_earlier)


def _window(request: HttpRequest, conversation: Conversation) -> Window:
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
    entry = preferred(conversation.owner, conversation).entry
    try:
        window = before(conversation, UUID(request.GET.get("before", "")))
        thread, view = Thread.of(request, entry.name, window)
    except (ValueError, NotYours) as error:
        raise Http404 from error
    known = thread.known(Known(), "")
    context = {"thread": thread, "view": view, "label": entry.label, "known": known}
    return render(request, "_earlier.html", context | message_context())
