"""Ends sessions through the session store, so that polls with them notice."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from django.utils import timezone

from chat.accounts.session_store import SessionStore
from chat.models import Session, User
from chat.services.session_digest import session_digest
from chatsite.mailbox import MailboxAway, open_mailbox

#: Longer than an answer takes to reach the browser, which then has the new key.
GRACE_SECONDS = 5


def sessions_of(user: User) -> list[Session]:
    """Return the user's sessions, the one seen last first."""
    living = user.sessions.filter(expire_date__gt=timezone.now())
    return sorted(living, key=lambda row: row.seen_at or row.created_at, reverse=True)


def find_session(user: User, name: str) -> Session | None:
    """Return a user's session by its digest, which pages show in place of its key."""
    return next(
        (row for row in sessions_of(user) if session_digest(row.pk) == name), None
    )


def end_sessions(sessions: Iterable[Session]) -> int:
    """End these sessions; return how many."""
    keys = [session.pk for session in sessions]
    for key in keys:
        SessionStore(key).delete(key)
    return len(keys)


def note_replaced_session(key: str | None, user: User) -> None:
    """Note that another session replaced this one in the same browser.

    Polls that are on their way with the old key are still answered; otherwise their
    pages would go to the first page.
    """
    if key is None:
        return
    with suppress(MailboxAway):
        open_mailbox().remember(session_digest(key), str(user.pk), GRACE_SECONDS)


def end_all_sessions(user: User, keep: str | None = None) -> int:
    """End all of a user's sessions but that with the key ``keep``; return how many."""
    return end_sessions(user.sessions.exclude(pk=keep) if keep else user.sessions.all())
