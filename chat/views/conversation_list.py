"""Older conversations: the next items of a page's list, or a page of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from chat.http.request import Request, owner_id
from chat.http.sidebar import is_list_hidden, remember_list
from chat.page.context import PollerContext, poller_after
from chat.page.decorators import with_page_state
from chat.page.state import PageState
from chat.services import conversation_list as lists
from chat.services.conversation_list import Cursor, ListPart, newest, older


class ConversationListContext(TypedDict):
    """For ``conversations/list.html``."""

    conversation_list: ListPart
    #: Whether newer conversations precede these.
    is_later: bool
    #: Whether it is the list of what is archived.
    is_archive: bool


class ListPartContext(PollerContext):
    """For ``conversations/_list_part.html``."""

    conversation_list: ListPart


@require_safe
@cache_control(private=True, no_cache=True)
@with_page_state
def conversation_list(request: Request, page_state: PageState) -> HttpResponse:
    """Show the list of conversations after the cursor ``?before=``."""
    owner, raw = owner_id(request), request.GET.get("before")
    try:
        part = older(owner, Cursor.parse(raw)) if raw else newest(owner)
    except ValueError:
        return _not_continued()
    if request.htmx:
        update = _context(page_state, part)
        response = render(request, "conversations/_list_part.html", update)
    else:
        context: ConversationListContext = {
            "conversation_list": part,
            "is_later": bool(raw),
            "is_archive": False,
        }
        response = render(request, "conversations/list.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
@cache_control(private=True, no_cache=True)
def archived(request: Request) -> HttpResponse:
    """Show the archive, newest first, after the cursor ``?before=``."""
    raw = request.GET.get("before")
    try:
        part = lists.archived(owner_id(request), Cursor.parse(raw) if raw else None)
    except ValueError:
        return _not_continued()
    context: ConversationListContext = {
        "conversation_list": part,
        "is_later": bool(raw),
        "is_archive": True,
    }
    return render(request, "conversations/archive.html", context)


@require_POST
@with_page_state
def toggle_list(request: Request, page_state: PageState) -> HttpResponse:
    """Hide the list on a desk, or show it again, where no script does so."""
    shown = page_state.conversation
    page = reverse("conversation", args=[shown]) if shown else reverse("home")
    response = HttpResponseRedirect(page, status=303)
    remember_list(response, is_hidden=not is_list_hidden(request))
    return response


def _context(page_state: PageState, part: ListPart) -> ListPartContext:
    """The next items, and the poller: the page lists down to the end of this part."""
    seconds = page_state.delay_seconds or settings.POLL_SECONDS
    page_state = replace(page_state, since=part.last or page_state.since)
    return {"conversation_list": part, **poller_after(seconds, page_state)}


def _not_continued() -> HttpResponse:
    return HttpResponse(_("This list can’t be continued. Reload the page."), status=400)
