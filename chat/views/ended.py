"""The note that this browser was logged out, on the page where it lands."""

from __future__ import annotations

from django.http import HttpRequest

from chat.models import User
from chat.views.browser import session_key, visitor

#: The parameter of a page that shows the note.
ENDED = "ended"


def has_ended(request: HttpRequest) -> bool:
    """Whether to say so: not any more to somebody who came in since."""
    return ENDED in request.GET and not isinstance(visitor(request), User)


def are_drafts_kept(request: HttpRequest) -> bool:
    """Whoever logs out takes their drafts and the cookie out of this browser; who was
    logged out from elsewhere still has both."""
    return bool(session_key(request))
