"""When somebody was last here, and with what: noted every few hours, never by a poll
that asks the database nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from chat.accounts.devices import device_of
from chat.middleware.authentication import GUEST_OF_COOKIE
from chat.models import Session, User
from chat.services.optional_write import NotWritten, optional_write

log = logging.getLogger(__name__)

EVERY = timedelta(hours=4)


class Presence:
    """Middleware, around the one of sessions: what was begun is saved by then."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        try:
            _note_guest(request.META.get(GUEST_OF_COOKIE))
            session = getattr(request, "session", None)
            if session is not None and session.accessed and session.session_key:
                _note(request)
        except (DatabaseError, NotWritten) as error:
            log.info("nobody noted who was here: %s", type(error).__name__)
        return response


def _note_guest(guest: User | None) -> None:
    """One without a session: those not seen for long are erased."""
    now = timezone.now()
    if guest is None or (guest.seen_at is not None and now - guest.seen_at < EVERY):
        return
    with optional_write():
        User.objects.filter(pk=guest.pk).update(seen_at=now)


def _note(request: HttpRequest) -> None:
    user, now = request.session.get(SESSION_KEY), timezone.now()
    row: Session | None = getattr(request.session, "row", None)
    if row is not None and row.pk != request.session.session_key:
        row = None  # another one was begun since
    seen_at = row.seen_at if row else None
    if not user or (seen_at is not None and now - seen_at < EVERY):
        return
    here = Session.objects.filter(pk=request.session.session_key)
    device = device_of(request.headers.get("User-Agent", ""))
    with optional_write():
        if here.update(seen_at=now, device=device):
            User.objects.filter(pk=UUID(user)).update(seen_at=now)
