"""Authentication by the session, else by the guest's signed cookie.

A guest cannot log in. If a session expired, was deleted or never reached the browser,
the signed cookie alone identifies the guest. Reading does not begin a session. Sending
does (``sender``), because an answer to a read that sets the session's
cookie could overtake the answer to a log-in.
"""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from chat.accounts.guests import cookie_guest
from chat.accounts.session_store import SessionStore
from chat.models import User

#: In ``request.META``: the guest of the cookie, once it is looked up.
GUEST_OF_COOKIE = "chat.guest_of_cookie"


class GuestAuthenticationMiddleware(AuthenticationMiddleware):
    """Django's middleware, with the cookie's guest in place of an anonymous user."""

    def process_request(self, request: HttpRequest) -> None:
        """Set ``request.user`` to an object that asks the database when it is used."""
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _user(request))  # type: ignore[assignment]


def _user(request: HttpRequest) -> User | AnonymousUser:
    session = cast("SessionStore", request.session)
    user = session.user or get_user(request)
    if isinstance(user, User) or not settings.GUESTS:
        return user
    guest = cookie_guest(request)
    if guest is None:
        return user
    guest.is_from_cookie = True
    request.META[GUEST_OF_COOKIE] = guest
    return guest
