"""Why a page was sent home, told where it lands: its person's session is over."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from chat.http.request import has_account, session_key

#: The parameter of a page that shows the note, and its value for a guest's page.
ENDED = "ended"
OF_GUEST = "guest"


def logged_out_url(*, is_accounts: bool) -> str:
    """A guest is logged out by nobody: only the cookie is lost."""
    value = f"={OF_GUEST}" if settings.GUESTS and not is_accounts else ""
    return f"{reverse('home')}?{ENDED}{value}"


def was_logged_out(request: HttpRequest) -> bool:
    """Whether to say so: not any more to an account that logged in since."""
    return ENDED in request.GET and not has_account(request)


def is_guest_lost(request: HttpRequest) -> bool:
    return request.GET.get(ENDED) == OF_GUEST


def are_drafts_kept(request: HttpRequest) -> bool:
    """Whoever logs out takes their drafts and the cookie out of this browser; who was
    logged out from elsewhere still has both."""
    return bool(session_key(request))
