"""One conversation: its newest messages, or those around a place in it."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from chat.forms import PromptForm, new_key
from chat.models import Conversation
from chat.services.context_usage import Filling, filling
from chat.services.conversations import see
from chat.services.effective_settings import Preferred, preferred, watched
from chat.services.jobs.status import NotYours
from chat.views.browser import owner_id
from chat.views.known import Known
from chat.views.lookups import get_conversation_or_404, get_prompt_or_404
from chat.views.page import page_context, told
from chat.views.thread import Thread
from chat.views.undo import undo_asked_for
from chat.views.window import Window, around, before, latest


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
