"""What is behind a shared link: the copy, and the way to go on from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from chat.accounts.guests import ensure_guest_cookie, sender
from chat.http.request import has_account
from chat.models import SharedLink, SharedMessage
from chat.page.action_response import with_refusal_status
from chat.page.state import messages_per_page
from chat.services.errors import MessageRefused
from chat.services.sharing.continuing import admit_continuing, make_copy
from chat.services.sharing.links import find_link

#: No search engine lists, keeps or follows what a person shared with some others. The
#: address is a secret: other sites are not told it.
HEADERS = {
    "X-Robots-Tag": "noindex, nofollow, noarchive, nosnippet",
    "Referrer-Policy": "same-origin",
}


class SharedContext(TypedDict):
    """For ``sharing/shared.html``."""

    link: SharedLink
    #: Those of this page.
    messages: Sequence[SharedMessage]
    page: int
    pages: int
    #: The address of the form, which is that of the page and a word more.
    action: str
    #: Why the copy could not be continued; empty while it was not tried.
    error: str
    #: Where a visitor logs in who may not continue without it; empty for others.
    log_in_url: str


@require_safe
@never_cache
def shared(request: HttpRequest, secret: str) -> HttpResponse:
    """Show a page of a frozen copy to everyone who has its address."""
    return _page(request, _link_or_404(secret), secret)


@require_POST
@never_cache
def continue_shared(request: HttpRequest, secret: str) -> HttpResponse:
    """Copy the messages into a conversation of the visitor's own.

    Harmless to repeat: it leads to the same conversation, as long as that is there.
    """
    link = _link_or_404(secret)
    try:
        with sender(request) as user:
            made = admit_continuing(user, link)
        made = made or make_copy(user, link)
    except MessageRefused as refused:
        refusal = _page(request, link, secret, refused.bare_message)
        return with_refusal_status(refusal, refused.retry_seconds)
    page = reverse("conversation", args=[made.pk])
    return HttpResponseRedirect(page, status=303)


def _page(
    request: HttpRequest, link: SharedLink, secret: str, error: str = ""
) -> HttpResponse:
    size = messages_per_page()
    pages = max(1, -(-link.message_count // size))
    page = _page_number(request, pages)
    needs_account = not settings.GUESTS and not has_account(request)
    context: SharedContext = {
        "link": link,
        "messages": [*link.messages.all()[(page - 1) * size : page * size]],
        "page": page,
        "pages": pages,
        "action": reverse("continue_shared", args=[secret]),
        "error": error,
        "log_in_url": _log_in_url(secret) if needs_account else "",
    }
    response = render(request, "sharing/shared.html", context)
    for name, value in HEADERS.items():
        response.headers[name] = value
    if settings.GUESTS:
        ensure_guest_cookie(request, response)
    return response


def _page_number(request: HttpRequest, pages: int) -> int:
    """The page that is asked for, from 1. Raises ``Http404`` for one there is not."""
    raw = request.GET.get("page", "1")
    number = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 8 else 0
    if not 1 <= number <= pages:
        raise Http404
    return number


def _log_in_url(secret: str) -> str:
    then = reverse("shared", args=[secret])
    return f"{reverse('log_in')}?{urlencode({'next': then})}"


def _link_or_404(secret: str) -> SharedLink:
    link = find_link(secret)
    if link is None:
        raise Http404
    return link
