"""Search in the titles and messages of the visitor's conversations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypedDict
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from chat.http.get_or_404 import get_conversation_or_404
from chat.http.request import Request, owner_id
from chat.models import Conversation
from chat.page.context import frame_context
from chat.services.conversation_list import newest
from chat.services.search import results
from chat.services.search.snippets import SnippetPart
from chat.wording.search_filters import FILTER_HELP

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
    #: Those of the conversation from which the palette was opened.
    found_here: Sequence[results.Hit]
    #: Its id; empty without one.
    inside: str
    #: What was typed, and what is wrong with it.
    searched: results.Hits
    found_count: int
    #: Whether the page of search says more, or searches further back.
    has_more: bool


class HitsContext(TypedDict):
    """For ``search/_hits.html``."""

    query: str
    hits: results.Hits
    #: The conversation that is searched alone, if one is.
    inside: Conversation | None
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
        context = _palette_context(owner_id(request), query, _inside(request))
        return render(request, "search/_palette_results.html", context)
    try:
        before = results.cursor(request.GET.get("before", ""))
    except ValueError:
        return HttpResponse(
            _("This search can’t be continued. Search again."), status=400
        )
    inside = _inside(request)
    hits = results.search(
        owner_id(request), query, before, conversation=inside.pk if inside else None
    )
    hits = replace(hits, hits=results.without_other_versions(hits.hits))
    found: HitsContext = {
        "query": query,
        "hits": hits,
        "inside": inside,
        "is_continued": before is not None,
    }
    if request.htmx and not request.htmx.history_restore_request:
        return render(request, "search/_hits.html", {**found, "is_live": True})
    page = {**frame_context(request), **found, "filter_help": FILTER_HELP}
    return render(request, "search/search.html", page)


def _inside(request: Request) -> Conversation | None:
    """The conversation to which ``?in=`` limits a search. Raises ``Http404``."""
    raw = request.GET.get("in")
    if not raw:
        return None
    try:
        pk = UUID(raw)
    except ValueError:
        raise Http404 from None
    return get_conversation_or_404(owner_id(request), pk)


def _palette_context(
    owner: UUID | None, query: str, inside: Conversation | None
) -> PaletteContext:
    if not query:
        recent = [item.conversation for item in newest(owner).items]
        return _palette(query, [_found(each.pk, each.title) for each in recent], ())
    searched = results.search(owner, query, has_all_titles=True)
    hits = searched.hits
    here: tuple[results.Hit, ...] = ()
    if inside and not searched.problem:
        here = results.search(owner, query, conversation=inside.pk).hits
        hits = tuple(hit for hit in hits if hit not in here)
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
    context = _palette(query, conversations, messages)
    shown = results.without_other_versions(here)[:PALETTE_MESSAGES_MAX]
    context["found_count"] += len(shown)
    context["has_more"] = bool(context["found_count"] or searched.more)
    context |= {"found_here": shown, "searched": searched}
    return {**context, "inside": str(inside.pk) if inside else ""}


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
        "found_here": (),
        "inside": "",
        "searched": results.Hits(),
        "found_count": count,
        "has_more": bool(query and count),
    }


def _found(
    pk: UUID, title: str, snippet: Sequence[SnippetPart] = ()
) -> FoundConversation:
    return {"conversation": pk, "title": title, "snippet": snippet}
