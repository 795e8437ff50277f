"""Guests: first a signed cookie, with the first message a user, then a session."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import cast

from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    login,
)
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.utils import timezone

from chat.accounts import guest_cookie
from chat.accounts.client_network import network_digest
from chat.accounts.devices import device_name
from chat.accounts.session_store import SessionStore
from chat.models import User
from chat.services.limits.network_rate import admit_guest
from chat.services.optional_write import NotWritten, optional_write

BACKEND = "django.contrib.auth.backends.ModelBackend"


class GuestExists(Exception):
    """The guest that the request was to create exists."""


@dataclass(frozen=True, slots=True)
class NewGuest:
    """The guest to create for a request without a cookie.

    ``must_be_new``: the request may not act as a guest that exists.
    """

    pk: uuid.UUID
    must_be_new: bool


def guest_id(request: HttpRequest) -> uuid.UUID | None:
    """Return the id in the browser's guest cookie, if this site signed it."""
    found = guest_cookie.read_cookie(request)
    return found.pk if found else None


def ensure_guest_cookie(request: HttpRequest, response: HttpResponse) -> None:
    """Set a guest cookie if the browser has none, for the session's guest if any."""
    if guest_id(request) is not None:
        return
    user = request.user
    pk = user.pk if isinstance(user, User) and user.is_guest else uuid.uuid4()
    guest_cookie.set_cookie(response, pk)


def replace_guest_cookie(response: HttpResponse) -> None:
    """Give the browser another guest id, which does not open the guest before it."""
    guest_cookie.set_cookie(response, uuid.uuid4())


def current_guest(request: HttpRequest) -> User | None:
    """Return the guest of the session, else, if no user is logged in, of the cookie.

    None for an account, and for a visitor who never sent a message.
    """
    user = request.user
    if isinstance(user, User):
        return user if user.is_guest else None
    return cookie_guest(request)


def cookie_guest(request: HttpRequest) -> User | None:
    """Return the guest of the browser's cookie, also while an account is logged in."""
    pk = guest_id(request)
    if pk is None:
        return None
    guests = User.objects.filter(username=None, is_active=True)
    return guests.filter(pk=pk).first()


def get_or_create_sender(request: HttpRequest) -> User:
    """Return the user of the session, else the guest of the cookie, made if need be.

    Raises what ``sender`` raises.
    """
    with sender(request) as user:
        return user


@contextmanager
def sender(request: HttpRequest, new_guest: NewGuest | None = None) -> Iterator[User]:
    """The user of the session, else the guest of the cookie, made if need be.

    What a guest does within is one transaction with the rows of guest and session. So a
    message that is refused makes no guest. The same cookie makes the same guest, so a
    double Enter makes one guest. Raises ``MessageRefused`` if too many guests came from
    one network; raises ``GuestExists`` if ``new_guest`` exists.
    """
    user = request.user
    if isinstance(user, User) and not user.is_from_cookie:
        record_network(request, user)
        _match_cookie(request, user)
        yield user
        return
    if not settings.GUESTS:
        raise PermissionDenied
    known = user if isinstance(user, User) else None
    if known is not None:
        record_network(request, known)
    with transaction.atomic():
        guest, is_new = (known, False) if known else _guest(request, new_guest)
        yield guest
        if is_new:
            # After the limits of messages, which are the first reason for a refusal.
            admit_guest(guest.network)
        _begin_session(request, guest)
    _match_cookie(request, guest)


def _begin_session(request: HttpRequest, guest: User) -> None:
    """Log a guest in. Django's ``login`` would save the session and the user again."""
    token = request.META.get("CSRF_COOKIE")
    session = cast("SessionStore", request.session)
    if SESSION_KEY in session or session.session_key is not None:
        login(request, guest, backend=BACKEND)
    else:
        session[SESSION_KEY] = str(guest.pk)
        session[BACKEND_SESSION_KEY] = BACKEND
        session[HASH_SESSION_KEY] = guest.get_session_auth_hash()
        session.device = device_name(request.headers.get("User-Agent", ""))
        session.create()
        request.user = guest
        rotate_token(request)
    # A guest gains no rights by this log-in, so the CSRF token of the page stays valid:
    # sending the form again, also from another tab, must work.
    if token:
        request.META["CSRF_COOKIE"] = token


def _match_cookie(request: HttpRequest, user: User) -> None:
    """Set a cookie that outlives the session and identifies the same guest."""
    if user.is_guest and guest_id(request) != user.pk:
        guest_cookie.set_cookie_later(request, user.pk)


def record_network(request: HttpRequest, user: User | AnonymousUser) -> None:
    """Store the network of a guest: guests of one network share some limits."""
    if not isinstance(user, User) or not user.is_guest:
        return
    network = network_digest(request)
    if user.network != network:
        user.network = network
        # While another process locks the database, this is left to the next request.
        with suppress(NotWritten), optional_write():
            User.objects.filter(pk=user.pk, username=None).update(network=network)


def _guest(request: HttpRequest, new_guest: NewGuest | None) -> tuple[User, bool]:
    """The guest of a browser that is not known, and whether it was made now.

    Raises ``GuestExists``.
    """
    pk = guest_id(request) or (new_guest.pk if new_guest else uuid.uuid4())
    network, now = network_digest(request), timezone.now()
    guest, is_new = User.objects.get_or_create_guest(pk, network, now)
    if not is_new and new_guest is not None and new_guest.must_be_new:
        raise GuestExists
    if guest.is_guest and guest.is_active:  # a request at the same time made it
        return guest, is_new
    # A guest that signed up or was erased: the cookie does not open that account.
    return User.objects.get_or_create_guest(uuid.uuid4(), network, now)
