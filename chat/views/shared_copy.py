"""What is behind a shared link: the frozen copy of a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.models import SharedLink, SharedMessage
from chat.page.state import messages_per_page
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


@require_safe
@never_cache
def shared(request: HttpRequest, secret: str) -> HttpResponse:
    """Show a page of a frozen copy to everyone who has its address."""
    return _page(request, _link_or_404(secret))


def _page(request: HttpRequest, link: SharedLink) -> HttpResponse:
    size = messages_per_page()
    pages = max(1, -(-link.message_count // size))
    page = _page_number(request, pages)
    context: SharedContext = {
        "link": link,
        "messages": [*link.messages.all()[(page - 1) * size : page * size]],
        "page": page,
        "pages": pages,
    }
    response = render(request, "sharing/shared.html", context)
    for name, value in HEADERS.items():
        response.headers[name] = value
    return response


def _page_number(request: HttpRequest, pages: int) -> int:
    """The page that is asked for, from 1. Raises ``Http404`` for one there is not."""
    raw = request.GET.get("page", "1")
    number = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 8 else 0
    if not 1 <= number <= pages:
        raise Http404
    return number


def _link_or_404(secret: str) -> SharedLink:
    link = find_link(secret)
    if link is None:
        raise Http404
    return link
