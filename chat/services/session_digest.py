"""The names under which the mailbox knows who asks, without their keys."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

from django.utils.crypto import salted_hmac

#: Never changes: it would void what the mailbox remembers.
SALT = "chat.accounts.sessions"


def session_digest(session_key: str) -> str:
    """The hexadecimal SHA-256 of a session key."""
    return sha256(session_key.encode()).hexdigest()


def guest_digest(guest: UUID) -> str:
    """The same for a guest without a session, keyed with ``SECRET_KEY``.

    It cannot be derived from the guest's id alone.
    """
    return salted_hmac(SALT, str(guest), algorithm="sha256").hexdigest()


def key_digest(key: UUID) -> str:
    """The same for the id of an API key."""
    return salted_hmac(SALT, f"key {key}", algorithm="sha256").hexdigest()
