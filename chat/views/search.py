"""Search in the titles and messages of the visitor's conversations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypedDict
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from chat.http.request import Request, owner_id
from chat.page.context import frame_context
from chat.services.conversation_list import newest
from chat.services.search import results
from chat.services.search.snippets import SnippetPart

#: So many conversations and messages fit into the palette.
PALETTE_CONVERSATIONS_MAX = 5
PALETTE_MESSAGES_MAX = 7


class FoundConversation(TypedDict):
    """A conversation in the palette."""

    conversation: UUID
    title: str
    #: The title with its matches; empty without a query.
    snippet: Sequence[SnippetPart]


class PaletteContext(TypedDict):
    """For ``search/_palette_results.html``."""

    query: str
    #: Conversations whose title was found; without a query the newest ones.
    conversations: Sequence[FoundConversation]
    messages_found: Sequence[results.Hit]
    found_count: int
    #: Whether the page of search says more.
    has_more: bool


class HitsContext(TypedDict):
    """For ``search/_hits.html``."""

    query: str
    hits: results.Hits
    #: Whether hits precede these.
    is_continued: bool


@require_safe
@cache_control(private=True, no_cache=True)
# The Back button must not show the fragment for htmx as a page.
@vary_on_headers("HX-Request")
def search(request: Request) -> HttpResponse:
    """Show the hits for ``?q=``: a page, or for htmx only the list."""
    query = request.GET.get("q", "").strip()
    if request.htmx and "palette" in request.GET:
        context = _palette_context(owner_id(request), query)
        return render(request, "search/_palette_results.html", context)
    try:
        before = results.cursor(request.GET.get("before", ""))
    except ValueError:
        return HttpResponse(
            _("This search can’t be continued. Search again."), status=400
        )
    hits = results.search(owner_id(request), query, before)
    hits = replace(hits, hits=results.without_other_versions(hits.hits))
    found: HitsContext = {
        "query": query,
        "hits": hits,
        "is_continued": before is not None,
    }
    if request.htmx and not request.htmx.history_restore_request:
        return render(request, "search/_hits.html", {**found, "is_live": True})
    return render(request, "search/search.html", {**frame_context(request), **found})


def _palette_context(owner: UUID | None, query: str) -> PaletteContext:
    if not query:
        recent = [item.conversation for item in newest(owner).items]
        return _palette(query, [_found(each.pk, each.title) for each in recent], ())
    hits = results.search(owner, query, has_all_titles=True).hits
    found = results.without_other_versions(hits)
    titles = [hit for hit in found if not hit.message]
    conversations = [_found(it.conversation, it.title, it.snippet) for it in titles]
    # The first message usually has the words of the title.
    in_title = {hit.conversation for hit in titles}
    messages = [
        hit
        for hit in found
        if hit.message and (hit.parent or hit.conversation not in in_title)
    ]
    return _palette(query, conversations, messages)


def _palette(
    query: str,
    conversations: Sequence[FoundConversation],
    messages: Sequence[results.Hit],
) -> PaletteContext:
    conversations = conversations[:PALETTE_CONVERSATIONS_MAX]
    messages = messages[:PALETTE_MESSAGES_MAX]
    count = len(conversations) + len(messages)
    return {
        "query": query,
        "conversations": conversations,
        "messages_found": messages,
        "found_count": count,
        "has_more": bool(query and count),
    }


def _found(
    pk: UUID, title: str, snippet: Sequence[SnippetPart] = ()
) -> FoundConversation:
    return {"conversation": pk, "title": title, "snippet": snippet}
