"""The first page: a new conversation."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from chat.accounts.guests import remember_guest
from chat.forms import PromptForm, new_key
from chat.views.ended import are_drafts_kept, has_ended, is_guest_lost
from chat.views.headers import leaving_nothing
from chat.views.page import around_context
from chat.views.undo import undo_asked_for


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
