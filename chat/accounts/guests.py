"""Guests: a signed cookie first, a user at the first prompt, a session from then on."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth import get_user, login
from django.http import HttpRequest, HttpResponse

from chat.models import User

COOKIE = f"{settings.COOKIE_PREFIX}guest"


def guest_id(request: HttpRequest) -> uuid.UUID | None:
    """The id in this browser's guest cookie, if it is ours."""
    raw = request.get_signed_cookie(COOKIE, default=None)
    return uuid.UUID(raw) if raw else None


def remember_guest(request: HttpRequest, response: HttpResponse) -> None:
    """Give a browser an id of its own, also one whose session may have ended."""
    if guest_id(request) is None:
        _set_cookie(response, uuid.uuid4())


def sender(request: HttpRequest) -> User:
    """Who sends: the user of the session, else the guest of the cookie.

    The same cookie makes the same guest, so that a double Enter makes one.
    """
    user = get_user(request)
    if isinstance(user, User):
        return user
    guest = User.objects.guest(guest_id(request) or uuid.uuid4())
    if not guest.is_guest:  # signed up since: this cookie opens no account
        guest = User.objects.guest(uuid.uuid4())
    token = request.META.get("CSRF_COOKIE")
    login(request, guest, backend="django.contrib.auth.backends.ModelBackend")
    # A guest gains no rights by this, so the token of the page stays good: sending the
    # same form again, or from another tab, must be harmless.
    if token:
        request.META["CSRF_COOKIE"] = token
    return guest


def _set_cookie(response: HttpResponse, pk: uuid.UUID) -> None:
    response.set_signed_cookie(
        COOKIE,
        str(pk),
        max_age=settings.SESSION_COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
