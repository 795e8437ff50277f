"""The poll: without SQL and with one trip to Redis while replies wait or grow."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from django_htmx.http import HttpResponseClientRedirect

from chat.services.jobs.status import NotYours
from chat.views.browser import owner_id
from chat.views.ended import ended_address
from chat.views.gone import gone
from chat.views.headers import leaving_nothing
from chat.views.known import BadQuery, Known, whose
from chat.views.updates import update


@require_GET
@never_cache
def poll(request: HttpRequest) -> HttpResponse:
    """What differs from what the page says it has; 404 for anybody else's."""
    try:
        known = Known.from_query(request.GET)
    except BadQuery:
        return HttpResponse(_("This is no poll of a page."), status=400)
    try:
        return update(request, known)
    except (Http404, NotYours) as refused:
        if isinstance(refused, NotYours) and refused.is_signed_out:
            return signed_out(known)
        is_anothers = _is_anothers(request, known)
        return gone(request, known) or (signed_out(known) if is_anothers else none())


def _is_anothers(request: HttpRequest, known: Known) -> bool:
    """Whether the page was made for somebody who logged out in this browser since, and
    somebody else logged in: it shows what they may not see."""
    return bool(known.whose) and known.whose != whose(owner_id(request))


def none() -> HttpResponse:
    """There is nothing here for this browser."""
    return HttpResponse(_("Not found."), status=404)


def signed_out(known: Known) -> HttpResponse:
    """Sends the page home, where its person is told why."""
    response = HttpResponseClientRedirect(ended_address(is_accounts=known.is_accounts))
    response.status_code = 404
    return leaving_nothing(response)


def out_of_date() -> HttpResponse:
    """For a page whose state, as it tells it, makes no sense."""
    return HttpResponse(_("This page is out of date. Reload it."), status=400)
