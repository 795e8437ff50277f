"""The poll: no SQL and one round trip to Redis while replies are pending."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from django_htmx.http import HttpResponseClientRedirect

from chat.http.get_or_404 import find_deleted
from chat.http.page_version import PAGE_VERSION, VERSION_HEADER
from chat.http.request import (
    Request,
    owner_id,
    query_parameters,
    session_key,
    visitor,
)
from chat.middleware.security_headers import clear_browser_cache
from chat.page.context import PollerContext, owner_of, poller_context
from chat.page.decorators import with_page_state
from chat.page.logged_out_notice import logged_out_url
from chat.page.quiet_update import mailbox_look, quiet_snapshot, quiet_update
from chat.page.state import PageState, owner_fingerprint
from chat.page.undo_notice import UndoNotice, undo_notice_for
from chat.page.update_response import MAILBOX_LOOK, update
from chat.services.conversation_list import ListPart, newest
from chat.services.effective_settings import catalog_entry
from chat.services.jobs.status import NotOwner, poll_snapshot
from chatsite.model_choice import model_entry

PATH = "/poll/"
#: Of answers that inner middleware does not see.
QUIET_HEADERS = {
    "Cache-Control": "max-age=0, no-cache, no-store, must-revalidate, private",
    VERSION_HEADER: PAGE_VERSION,
}


class DeletedContext(PollerContext):
    """For ``poll/_conversation_deleted.html``."""

    conversation_list: ListPart
    undo_notice: UndoNotice


class QuietResponse(HttpResponse):
    """A response for which neither the database nor a cache was asked."""

    def close(self) -> None:
        """Send no signal: there are no connections to close after it."""
        self.closed = True


class QuietPollMiddleware:
    """Middleware that answers polls which need nothing of what is within it.

    They are most requests of the site: the mailbox knows the session's owner, and
    nothing changed but the text and the status of replies. All others go on.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer such a poll, or pass the request on."""
        is_poll = request.path_info == PATH and request.method == "GET"
        answer = _answer_quietly(request) if is_poll else None
        return answer or self._get_response(request)


def _answer_quietly(request: HttpRequest) -> HttpResponse | None:
    request.get_host()  # refuses hosts that are not the site's
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    try:
        page_state = PageState.from_query(query_parameters(request))
    except ValueError:
        return None
    if not key or not page_state.is_current:
        return None
    entry = catalog_entry(page_state.model)
    look = request.META[MAILBOX_LOOK] = mailbox_look(key, entry.name, page_state)
    snapshot = look and quiet_snapshot(look, page_state)
    html = snapshot and quiet_update(page_state, snapshot, entry)
    return _quiet_response(html) if html else None


def _quiet_response(html: str) -> HttpResponse:
    response = QuietResponse(html, headers=QUIET_HEADERS)
    response.headers["Content-Length"] = str(len(response.content))
    return response


@require_GET
@never_cache
@with_page_state
def poll(request: Request, page_state: PageState) -> HttpResponse:
    """Get what differs from the state of the page; 404 for a page of another owner."""
    try:
        return update(request, page_state)
    except (Http404, NotOwner) as refused:
        if isinstance(refused, NotOwner) and refused.is_signed_out:
            return _logged_out(page_state)
        deleted = _conversation_deleted(request, page_state)
        if deleted is None and _is_of_another_owner(request, page_state):
            return _logged_out(page_state)
        return deleted or HttpResponse(_("Not found."), status=404)


def _is_of_another_owner(request: HttpRequest, page_state: PageState) -> bool:
    """Whether another user has logged in in this browser since the page was made."""
    owner = owner_fingerprint(owner_id(request))
    return page_state.owner_fingerprint not in ("", owner)


def _logged_out(page_state: PageState) -> HttpResponse:
    """Send the page home, where a notice says that the session has ended."""
    response = HttpResponseClientRedirect(
        logged_out_url(is_account=page_state.is_account)
    )
    response.status_code = 404
    return clear_browser_cache(response)


#: No path has this fingerprint: a restored conversation is sent as a whole.
NO_PATH = "gone"


def _conversation_deleted(
    request: HttpRequest, page_state: PageState
) -> HttpResponse | None:
    """The undo notice for a page whose conversation was deleted elsewhere.

    None where there is nothing to restore. The page goes on polling with an empty
    change counter, so it learns of a restored conversation. Raises ``NotOwner``.
    """
    snapshot = poll_snapshot(
        session_key(request), lambda: visitor(request), model_entry().name
    )
    owner = owner_of(snapshot)
    found = (
        find_deleted(owner, page_state.conversation)
        if page_state.conversation
        else None
    )
    if found is None:
        return None
    listed = newest(owner, page_state.since)
    after = replace(
        page_state,
        change_counter="",
        cursors=(),
        texts=(),
        held=(),
        paused=(),
        path_fingerprint=NO_PATH,
        workers_fingerprint="",  # the notice is shown again after restoring
        since=listed.last,
    )
    context: DeletedContext = {
        **poller_context(snapshot, after),
        "conversation_list": listed,
        "undo_notice": undo_notice_for(found),
    }
    return render(request, "poll/_conversation_deleted.html", context)
