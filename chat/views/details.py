"""How a reply was made: model, settings, counts, times, worker."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from chat.views.browser import Request, owner_id
from chat.views.lookups import get_reply_or_404
from chat.views.versions import versions_of


@require_safe
@cache_control(private=True, no_cache=True)
# One URL, two answers: the Back button must not show the shorter one as a page.
@vary_on_headers("HX-Request")
def details(request: Request, pk: UUID) -> HttpResponse:
    """A page, or for the page that asks by its script only what goes into it."""
    reply = get_reply_or_404(owner_id(request), pk)
    template = "_details.html" if request.htmx else "details.html"
    versions = versions_of([reply.message])[reply.pk]
    return render(request, template, {"reply": reply, "versions": versions})
