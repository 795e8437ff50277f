"""The first page: a new conversation."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from chat.accounts.guests import remember_guest
from chat.forms import PromptForm, new_key
from chat.views.page import around_context
from chat.views.undo import undo_asked_for


@require_safe
@cache_control(private=True, no_cache=True)
def home(request: HttpRequest) -> HttpResponse:
    """An empty conversation; ``?text=`` begins the first prompt."""
    begun = request.GET.get("text", "")
    return home_page(request, PromptForm(initial={"text": begun, "key": new_key()}))


def home_page(
    request: HttpRequest, form: PromptForm, status: int = 200
) -> HttpResponse:
    context = around_context(request, form) | {"undo": undo_asked_for(request)}
    response = render(request, "home.html", context, status=status)
    remember_guest(request, response)
    return response
