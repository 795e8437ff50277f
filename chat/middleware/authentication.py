"""Who asks: the user of the session, else the guest of the browser's cookie.

A guest has no way to log in: where a session expired, was deleted or never reached the
browser, the signed cookie alone says who they are. No session begins by reading. One
begins when the guest sends (``guests.sender``), since an answer that sets its cookie
could overtake the answer to a log-in.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from chat.accounts.guests import guest_of_cookie
from chat.models import User

#: In ``request.META``: the guest of the cookie, once it was looked up.
GUEST_OF_COOKIE = "chat.guest_of_cookie"


class Authentication(AuthenticationMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _user(request))  # type: ignore[assignment]


def _user(request: HttpRequest) -> User | AnonymousUser:
    user = get_user(request)
    if isinstance(user, User) or not settings.GUESTS:
        return user
    guest = guest_of_cookie(request)
    if guest is None:
        return user
    guest.is_of_cookie = True
    request.META[GUEST_OF_COOKIE] = guest
    return guest
