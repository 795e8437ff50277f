"""The note that this browser was logged out, on the page where it lands."""

from __future__ import annotations

from django.http import HttpRequest

from chat.models import User
from chat.views.browser import visitor

#: The parameter of a page that shows the note.
ENDED = "ended"


def has_ended(request: HttpRequest) -> bool:
    """Whether to say so: not any more to somebody who came in since."""
    return ENDED in request.GET and not isinstance(visitor(request), User)
