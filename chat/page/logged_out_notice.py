"""The notice on the first page after a session ended, and why a page went there."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from chat.accounts.login import LEFT
from chat.http.request import has_account, session_key

#: The parameter of a page that shows the note, and its value for a guest's page.
ENDED = "ended"
OF_GUEST = "guest"


def logged_out_url(*, is_account: bool) -> str:
    """Where a page goes whose session is over.

    A guest cannot be logged out; a guest's session is over when the cookie is lost.
    """
    value = f"={OF_GUEST}" if settings.GUESTS and not is_account else ""
    return f"{reverse('home')}?{ENDED}{value}"


def was_logged_out(request: HttpRequest) -> bool:
    """Whether to show the notice: not to an account that has logged in again."""
    return ENDED in request.GET and not has_account(request)


def has_left(request: HttpRequest) -> bool:
    """Whether the visitor comes from a log-out of their own."""
    return LEFT in request.GET and not has_account(request)


def is_guest_lost(request: HttpRequest) -> bool:
    """Whether the page that was sent here belonged to a guest."""
    return request.GET.get(ENDED) == OF_GUEST


def are_drafts_kept(request: HttpRequest) -> bool:
    """Whether this browser still holds the drafts.

    Logging out removes the drafts and the cookie from the browser; being logged out
    from another browser removes neither.
    """
    return bool(session_key(request))
