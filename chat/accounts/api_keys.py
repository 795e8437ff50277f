"""API keys: made once, shown once, and found by the digest of their secret."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.utils import timezone

from chat.models import ApiKey, User
from chat.models.api_key import PREFIX_CHARACTERS

#: Tells people, and programs that look for leaked secrets, what a key is.
SECRET_PREFIX = "csk_"  # noqa: S105  (the beginning of every secret)
SECRET_BYTES = 32
#: The time of the last use is written this often at most.
LAST_USE = timedelta(minutes=1)


def make_key(owner: User, name: str, **fields: Any) -> tuple[ApiKey, str]:
    """Make a key of an account; return it with its secret, which is not stored."""
    secret = SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    key = ApiKey.objects.create(
        owner=owner,
        name=name,
        prefix=secret[:PREFIX_CHARACTERS],
        digest=_digest(secret),
        **fields,
    )
    return key, secret


def key_of(secret: str) -> ApiKey | None:
    """The key with this secret and its owner; None if it does not exist any more."""
    now = timezone.now()
    found = ApiKey.objects.usable(now).select_related("owner")
    key = found.filter(digest=_digest(secret)).first()
    if key is None or not key.owner.is_active:
        return None
    _record_use(key, now)
    return key


def revoke(key: ApiKey) -> None:
    """Make a key useless from now on. It stays in the list of its owner."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())


def _record_use(key: ApiKey, now: datetime) -> None:
    if key.last_used_at is None or key.last_used_at < now - LAST_USE:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
