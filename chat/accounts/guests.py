"""Guests: a signed cookie first, a user at the first prompt, a session from then on."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth import get_user, login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from chat.models import User

COOKIE = "guest"
BACKEND = "django.contrib.auth.backends.ModelBackend"


def guest_id(request: HttpRequest) -> uuid.UUID | None:
    """The id in this browser's guest cookie, if it is ours."""
    raw = request.get_signed_cookie(COOKIE, default=None)
    return uuid.UUID(raw) if raw else None


def remember_guest(request: HttpRequest, response: HttpResponse) -> None:
    """Give a browser an id of its own, also one whose session may have ended."""
    if guest_id(request) is None:
        renew_guest(response)


def renew_guest(response: HttpResponse) -> None:
    """Give a browser another id: what belongs to the one before is not opened by it."""
    _set_cookie(response, uuid.uuid4())


def guest_here(request: HttpRequest) -> User | None:
    """The guest of this browser: of its session, else, where nobody is signed in, of
    its cookie. None for an account, and for somebody who never sent anything."""
    user = request.user
    if isinstance(user, User):
        return user if user.is_guest else None
    return guest_of_cookie(request)


def guest_of_cookie(request: HttpRequest) -> User | None:
    """Also while an account is signed in: who uses this browser otherwise."""
    pk = guest_id(request)
    if pk is None:
        return None
    guests = User.objects.filter(username=None, is_active=True)
    return guests.filter(pk=pk).first()


def sender(request: HttpRequest) -> User:
    """Who sends: the user of the session, else the guest of the cookie.

    The same cookie makes the same guest, so that a double Enter makes one.
    """
    user = get_user(request)
    if isinstance(user, User):
        return user
    if not settings.GUESTS:
        raise PermissionDenied
    guest = User.objects.guest(guest_id(request) or uuid.uuid4())
    # Signed up or erased since: this cookie opens nothing.
    if not guest.is_guest or not guest.is_active:
        guest = User.objects.guest(uuid.uuid4())
    token = request.META.get("CSRF_COOKIE")
    login(request, guest, backend=BACKEND)
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
