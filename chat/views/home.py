"""The first page: a new conversation."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from chat.accounts.guests import remember_guest
from chat.forms import PromptForm, new_key
from chat.models import User
from chat.services.glancing import glance
from chat.services.watching import View, watch
from chat.views.browser import session_key, visitor
from chat.views.known import Known
from chat.views.page import page_context, workers_fingerprint
from chatsite.catalog import Entry
from chatsite.choice import offered


@require_safe
@cache_control(private=True, no_cache=True)
def home(request: HttpRequest) -> HttpResponse:
    """An empty conversation; ``?text=`` begins the first prompt."""
    begun = request.GET.get("text", "")
    return home_page(request, PromptForm(initial={"text": begun, "key": new_key()}))


def home_page(
    request: HttpRequest, form: PromptForm, status: int = 200
) -> HttpResponse:
    response = render(request, "home.html", home_context(request, form), status=status)
    remember_guest(request, response)
    return response


def home_context(
    request: HttpRequest, form: PromptForm | None = None
) -> dict[str, Any]:
    """The frame of a page that shows no conversation."""
    entry = offered()
    view = _view(request, entry)
    known = Known(
        changes=view.changes,
        workers=workers_fingerprint(view, is_pending=False),
        is_nobody=not view.owner,
    )
    return page_context(view, entry, known, form)


def _view(request: HttpRequest, entry: Entry) -> View:
    user = visitor(request)
    if isinstance(user, User):
        return watch(session_key(request), lambda: user, entry.name)
    return glance(entry.name)
