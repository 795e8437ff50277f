"""Whether the list of conversations is hidden on a desk, kept in a cookie.

The server renders the choice, so the list does not flash at load.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from chat.http.choice_cookie import keep_choice

COOKIE = settings.COOKIE_NAMES.own("list")
HIDDEN = "hidden"
SHOWN = "shown"


def sidebar(request: HttpRequest) -> dict[str, bool]:
    """Context processor ``is_list_hidden``: the choice of this browser."""
    return {"is_list_hidden": is_list_hidden(request)}


def is_list_hidden(request: HttpRequest) -> bool:
    """Whether this browser hides the list."""
    return request.COOKIES.get(COOKIE) == HIDDEN


def remember_list(response: HttpResponse, *, is_hidden: bool) -> None:
    """Set the cookie, for as long as a session lasts."""
    keep_choice(response, COOKIE, HIDDEN if is_hidden else SHOWN)
