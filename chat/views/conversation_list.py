"""Older conversations: the next entries of a page's list, or a page of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from chat.http.request import Request, owner_id
from chat.page.context import poller_after
from chat.page.state import PageState
from chat.services.conversation_list import Cursor, ListPart, newest, older


@require_safe
@cache_control(private=True, no_cache=True)
def history(request: Request) -> HttpResponse:
    """``?before=`` names the place after which the list goes on."""
    owner, raw = owner_id(request), request.GET.get("before")
    try:
        part = older(owner, Cursor.parse(raw)) if raw else newest(owner)
        known = PageState.from_query(request.GET)
    except ValueError:
        return HttpResponse(_("There is no such place in the list."), status=400)
    if request.htmx:
        response = render(request, "conversations/_history.html", _context(known, part))
    else:
        context = {"history": part, "is_later": bool(raw)}
        response = render(request, "conversations/history.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _context(known: PageState, part: ListPart) -> dict[str, Any]:
    """The page now lists down to the end of this part, and asks on as before."""
    seconds = known.delay_seconds or settings.POLL_SECONDS
    known = replace(known, since=part.last or known.since)
    return {"history": part, **poller_after(seconds, known)}
