"""Notes when a user was last seen, and with which device.

It writes every few hours, and never for a poll that asks the database nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from chat.accounts.devices import device_name
from chat.middleware.authentication import GUEST_OF_COOKIE
from chat.models import Session, User
from chat.services.optional_write import NotWritten, optional_write

log = logging.getLogger(__name__)

NOTE_INTERVAL = timedelta(hours=4)


class LastSeenMiddleware:
    """Middleware outside of the session middleware, which has saved the session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, then note the user; a note that fails is only logged."""
        response = self._get_response(request)
        try:
            _note_guest(request.META.get(GUEST_OF_COOKIE))
            session = getattr(request, "session", None)
            if session is not None and session.accessed and session.session_key:
                _note_session(request)
        except (DatabaseError, NotWritten) as error:
            log.info("the time of a visit was not noted: %s", type(error).__name__)
        return response


def _note_guest(guest: User | None) -> None:
    """Note a guest without a session: guests who are not seen for long are erased."""
    now = timezone.now()
    if guest is None or _is_recent(guest.seen_at, now):
        return
    with optional_write():
        User.objects.filter(pk=guest.pk).update(seen_at=now)


def _note_session(request: HttpRequest) -> None:
    user, now = request.session.get(SESSION_KEY), timezone.now()
    row: Session | None = getattr(request.session, "row", None)
    if row is not None and row.pk != request.session.session_key:
        row = None  # a new session has begun since
    seen_at = row.seen_at if row else None
    if not user or _is_recent(seen_at, now):
        return
    here = Session.objects.filter(pk=request.session.session_key)
    device = device_name(request.headers.get("User-Agent", ""))
    with optional_write():
        if here.update(seen_at=now, device=device):
            User.objects.filter(pk=UUID(user)).update(seen_at=now)


def _is_recent(seen_at: datetime | None, now: datetime) -> bool:
    return seen_at is not None and now - seen_at < NOTE_INTERVAL
