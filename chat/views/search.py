"""Search in the titles and messages of the visitor's conversations."""

from __future__ import annotations

from typing import TypedDict

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from chat.http.request import Request, owner_id
from chat.page.context import frame_context
from chat.services.search import results


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
    try:
        before = results.cursor(request.GET.get("before", ""))
    except ValueError:
        return HttpResponse(
            _("This search cannot be continued. Search again."), status=400
        )
    hits = results.search(owner_id(request), query, before)
    found: HitsContext = {
        "query": query,
        "hits": hits,
        "is_continued": before is not None,
    }
    if request.htmx and not request.htmx.history_restore_request:
        context = {**found, "is_live": True}
        return render(request, "search/_hits.html", context)
    return render(request, "search/search.html", {**frame_context(request), **found})
