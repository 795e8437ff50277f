"""The poll: without SQL and with one trip to Redis while replies wait or grow."""

from __future__ import annotations

from dataclasses import replace

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from django_htmx.http import HttpResponseClientRedirect

from chat.http.get_or_404 import find_deleted
from chat.http.request import owner_id, session_key, visitor
from chat.middleware.security_headers import leaving_nothing
from chat.page.context import owner_of, poller_context
from chat.page.logged_out_notice import logged_out_url
from chat.page.state import InvalidPageState, PageState, owner_fingerprint
from chat.page.undo_notice import undo_notice_for
from chat.page.update_response import update
from chat.services.conversation_list import newest
from chat.services.jobs.status import NotOwner, poll_snapshot
from chatsite.model_choice import model_entry


@require_GET
@never_cache
def poll(request: HttpRequest) -> HttpResponse:
    """What differs from what the page says it has; 404 for anybody else's."""
    try:
        known = PageState.from_query(request.GET)
    except InvalidPageState:
        return HttpResponse(_("This is no poll of a page."), status=400)
    try:
        return update(request, known)
    except (Http404, NotOwner) as refused:
        if isinstance(refused, NotOwner) and refused.is_signed_out:
            return signed_out(known)
        is_anothers = _is_anothers(request, known)
        return gone(request, known) or (signed_out(known) if is_anothers else none())


def _is_anothers(request: HttpRequest, known: PageState) -> bool:
    """Whether the page was made for somebody who logged out in this browser since, and
    somebody else logged in: it shows what they may not see."""
    return bool(known.whose) and known.whose != owner_fingerprint(owner_id(request))


def none() -> HttpResponse:
    """There is nothing here for this browser."""
    return HttpResponse(_("Not found."), status=404)


def signed_out(known: PageState) -> HttpResponse:
    """Sends the page home, where its person is told why."""
    response = HttpResponseClientRedirect(logged_out_url(is_accounts=known.is_accounts))
    response.status_code = 404
    return leaving_nothing(response)


def out_of_date() -> HttpResponse:
    """For a page whose state, as it tells it, makes no sense."""
    return HttpResponse(_("This page is out of date. Reload it."), status=400)


#: No path has this fingerprint: once restored, the page is loaded afresh.
NO_PATH = "gone"


def gone(request: HttpRequest, known: PageState) -> HttpResponse | None:
    """None where there is nothing to restore. Raises ``NotOwner``.

    The page goes on asking, always as one that knows of no change, so that it hears
    when the conversation is back.
    """
    view = poll_snapshot(
        session_key(request), lambda: visitor(request), model_entry().name
    )
    owner = owner_of(view)
    found = find_deleted(owner, known.conversation) if known.conversation else None
    if found is None:
        return None
    history = newest(owner, known.since)
    after = replace(
        known,
        changes="",
        seen=(),
        held=(),
        paused=(),
        path=NO_PATH,
        workers="",  # once restored, the notice is said anew
        since=history.last,
    )
    context = {
        **poller_context(view, after),
        "history": history,
        "undo": undo_notice_for(found),
    }
    return render(request, "poll/_conversation_deleted.html", context)
