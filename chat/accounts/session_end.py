"""Ending sessions: every way out deletes them through the store, so that polls hear."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from django.utils import timezone

from chat.accounts.session_store import SessionStore
from chat.models import Session, User
from chat.services.session_digest import session_digest
from chatsite.mailbox import MailboxAway, open_mailbox

#: Longer than an answer takes to reach the browser, which then has the new key.
ON_THE_WAY_SECONDS = 5


def sessions_of(user: User) -> list[Session]:
    """The browsers in which somebody is signed in, the one seen last first."""
    living = user.sessions.filter(expire_date__gt=timezone.now())
    return sorted(living, key=lambda row: row.seen_at or row.created_at, reverse=True)


def find_session(user: User, name: str) -> Session | None:
    """One of theirs by the name that pages tell, which is not its key."""
    return next(
        (row for row in sessions_of(user) if session_digest(row.pk) == name), None
    )


def end(sessions: Iterable[Session]) -> int:
    """How many were ended."""
    keys = [session.pk for session in sessions]
    for key in keys:
        SessionStore(key).delete(key)
    return len(keys)


def see_off(key: str | None, user: User) -> None:
    """A session that gave way to another one in the same browser: polls of its pages
    that are on their way are answered still, instead of sending those pages home."""
    if key is None:
        return
    with suppress(MailboxAway):
        open_mailbox().remember(session_digest(key), str(user.pk), ON_THE_WAY_SECONDS)


def end_all(user: User, but: str | None = None) -> int:
    """All of somebody's sessions, ``but`` the one with this key."""
    return end(user.sessions.exclude(pk=but) if but else user.sessions.all())
