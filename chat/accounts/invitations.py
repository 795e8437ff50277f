"""Invitations: a link with a secret, of which the database has only a digest."""

from __future__ import annotations

import secrets
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256

from django.urls import reverse
from django.utils import timezone

from chat.models import Invitation, User

VALID_DAYS = 7
VALID_DAYS_MAX = 90
#: Days for which an expired invitation is still listed before it is removed.
KEEP_DAYS = 30


class InvitationState(StrEnum):
    """Whether an invitation is valid, and if not, why."""

    GOOD = "good"
    USED = "used"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


def create_invitation(
    by: User | None, note: str = "", days: float = VALID_DAYS
) -> tuple[str, str]:
    """Make an invitation; return its secret, which is stored nowhere, and its path."""
    secret = secrets.token_urlsafe(24)
    Invitation.objects.create(
        digest=_digest(secret),
        note=note,
        created_by=by,
        expires_at=timezone.now() + timedelta(days=days),
    )
    return secret, reverse("invited", args=[secret])


def invitation_state(secret: str) -> InvitationState:
    """Return whether this secret can be used to sign up, and if not, why."""
    found = Invitation.objects.filter(digest=_digest(secret)).first()
    if found is None:
        return InvitationState.UNKNOWN
    if found.used_at is not None:
        return InvitationState.USED
    if found.expires_at <= timezone.now():
        return InvitationState.EXPIRED
    return InvitationState.GOOD


def use_invitation(secret: str, user: User) -> bool:
    """Use up an invitation within the transaction that makes the account.

    False if it has expired or another person used it first.
    """
    now = timezone.now()
    good = Invitation.objects.filter(digest=_digest(secret), used_at=None)
    return bool(good.filter(expires_at__gt=now).update(used_at=now, used_by=user))


def purge_invitations() -> None:
    """Remove invitations that expired long ago."""
    before = timezone.now() - timedelta(days=KEEP_DAYS)
    Invitation.objects.filter(expires_at__lt=before).delete()


def _digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "replace")).hexdigest()
