"""What a view needs of the browser that asks."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from chat.models import User


class Request(HttpRequest):
    """A request as the middleware leaves it."""

    htmx: HtmxDetails


def session_key(request: HttpRequest) -> str | None:
    """The key of the session, read from the cookie and at no other price; of one that
    this request began, the new one."""
    if request.session.modified:
        return request.session.session_key
    return request.COOKIES.get(settings.SESSION_COOKIE_NAME)


def visitor(request: HttpRequest) -> User | AnonymousUser:
    """Who is signed in, at the price of SQL once it is looked at."""
    return request.user


def has_account(request: HttpRequest) -> bool:
    """Whether an account is signed in, at the same cost."""
    user = visitor(request)
    return isinstance(user, User) and not user.is_guest


def owner_id(request: HttpRequest) -> UUID | None:
    """Id of the person signed in, else None, to whom nothing belongs."""
    return request.user.pk
