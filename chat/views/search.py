"""Search: an owner's titles and messages that hold all the words typed."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from chat.http.request import Request, owner_id
from chat.page.context import frame_context
from chat.services.search import results


@require_safe
@cache_control(private=True, no_cache=True)
# One URL, two answers: the Back button must not show the shorter one as a page.
@vary_on_headers("HX-Request")
def search(request: Request) -> HttpResponse:
    """The hits for ``?q=`` as a page; to htmx only the hits, to be put into one."""
    query = request.GET.get("q", "").strip()
    try:
        before = results.cursor(request.GET.get("before", ""))
    except ValueError:
        return HttpResponse(_("These hits cannot be continued."), status=400)
    hits = results.search(owner_id(request), query, before)
    found = {"query": query, "hits": hits, "is_more": before is not None}
    if request.htmx and not request.htmx.history_restore_request:
        return render(request, "search/_hits.html", found | {"is_live": True})
    return render(request, "search/search.html", frame_context(request) | found)
