"""Guests: a signed cookie first, a user at the first prompt, a session from then on."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import get_user, login
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from chat.accounts import guest_cookie
from chat.accounts.client_network import network_digest
from chat.models import User
from chat.services.effective_settings import effective_settings
from chat.services.limits.admission import check_first_message
from chat.services.limits.network_rate import admit_guest
from chat.services.optional_write import NotWritten, optional_write

BACKEND = "django.contrib.auth.backends.ModelBackend"


class NotNew(Exception):
    """The guest that a request was to make is there already."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Which guest a request makes that has no cookie; with ``is_only`` it may not open
    one that is there."""

    pk: uuid.UUID
    is_only: bool


def guest_id(request: HttpRequest) -> uuid.UUID | None:
    """The id in this browser's guest cookie, if it is ours."""
    found = guest_cookie.read(request)
    return found.pk if found else None


def remember_guest(request: HttpRequest, response: HttpResponse) -> None:
    """Give a browser an id of its own, also one whose session may have ended."""
    if guest_id(request) is not None:
        return
    user = request.user
    pk = user.pk if isinstance(user, User) and user.is_guest else uuid.uuid4()
    guest_cookie.give(response, pk)


def renew_guest(response: HttpResponse) -> None:
    """Give a browser another id: what belongs to the one before is not opened by it."""
    guest_cookie.give(response, uuid.uuid4())


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


def sender(
    request: HttpRequest, *, is_message: bool = False, newcomer: Newcomer | None = None
) -> User:
    """Who sends: the user of the session, else the guest of the cookie.

    The same cookie makes the same guest, so a double Enter makes one guest. Raises
    ``MessageRefused`` and makes no guest if too many came from one network, or if the
    message would be refused; raises ``NotNew`` if ``newcomer`` is known already.
    """
    user = get_user(request)
    if isinstance(user, User):
        note_network(request, user)
        _keep_cookie(request, user)
        return user
    if not settings.GUESTS:
        raise PermissionDenied
    guest = _guest(request, newcomer, is_message=is_message)
    note_network(request, guest)
    _keep_cookie(request, guest)
    token = request.META.get("CSRF_COOKIE")
    login(request, guest, backend=BACKEND)
    # A guest gains no rights by this, so the token of the page stays good: sending the
    # same form again, or from another tab, must be harmless.
    if token:
        request.META["CSRF_COOKIE"] = token
    return guest


def _keep_cookie(request: HttpRequest, user: User) -> None:
    """The cookie outlives the session, and so has to open the same guest."""
    if user.is_guest and guest_id(request) != user.pk:
        guest_cookie.give_later(request, user.pk)


def note_network(request: HttpRequest, user: User | AnonymousUser) -> None:
    """Note which network a guest comes from, whose other guests they count with."""
    if not isinstance(user, User) or not user.is_guest:
        return
    network = network_digest(request)
    if user.network != network:
        user.network = network
        # While another process holds the database, the next request notes it.
        with suppress(NotWritten), optional_write():
            User.objects.filter(pk=user.pk, username=None).update(network=network)


def _guest(
    request: HttpRequest, newcomer: Newcomer | None, *, is_message: bool
) -> User:
    """The guest of this browser's cookie, made now if there is none."""
    pk = guest_id(request) or (newcomer.pk if newcomer else uuid.uuid4())
    known = User.objects.filter(pk=pk).first()
    is_only = newcomer is not None and newcomer.is_only
    if known is not None and is_only:
        raise NotNew
    if known is not None and known.is_guest and known.is_active:
        return known
    network = network_digest(request)
    if is_message:
        stranger = User(network=network)
        check_first_message(stranger, effective_settings(stranger).entry.name)
    admit_guest(network)
    if is_only:
        return _only(pk, network)
    # One that signed up or was erased since: this cookie opens nothing.
    return User.objects.guest(pk if known is None else uuid.uuid4(), network)


def _only(pk: uuid.UUID, network: str) -> User:
    """A new guest. Raises ``NotNew`` where another request was quicker."""
    guest, is_new = User.objects.get_or_create_guest(pk, network)
    if not is_new:
        raise NotNew
    return guest
