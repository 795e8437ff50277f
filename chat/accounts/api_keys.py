"""API keys: made once, shown once, and found by the digest of their secret."""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from chat.models import ApiKey, User
from chat.models.api_key import PREFIX_CHARACTERS
from chat.services.advisory_lock import advisory_lock
from chat.services.optional_write import NotWritten, optional_write

#: Tells people, and programs that look for leaked secrets, what a key is.
SECRET_PREFIX = "csk_"  # noqa: S105  (the beginning of every secret)
SECRET_BYTES = 32
#: The time of the last use is written this often at most.
LAST_USE = timedelta(minutes=1)


class TooManyKeys(Exception):
    """The account has ``API_KEYS_MAX`` usable keys."""


@transaction.atomic
def make_key(owner: User, name: str, **fields: Any) -> tuple[ApiKey, str]:
    """Make a key of an account; return it with its secret, which is not stored.

    Raises ``TooManyKeys``, and ``IntegrityError`` if its ``id`` was used before.
    """
    advisory_lock([f"keys:{owner.pk}"])
    if not has_room(owner):
        raise TooManyKeys
    secret = SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    key = ApiKey.objects.create(
        owner=owner,
        name=name,
        prefix=secret[:PREFIX_CHARACTERS],
        digest=_digest(secret),
        **fields,
    )
    return key, secret


def has_room(owner: User) -> bool:
    """Whether the account may have another key."""
    usable = ApiKey.objects.usable(timezone.now()).filter(owner=owner)
    return usable.count() < settings.API_KEYS_MAX


def key_of(secret: str) -> ApiKey | None:
    """The usable key with this secret, and its owner; None without one.

    A wrong secret takes as long as a right one: what is compared is its digest.
    """
    now = timezone.now()
    found = ApiKey.objects.usable(now).select_related("owner")
    key = found.filter(digest=_digest(secret)).first()
    if key is None or not key.owner.is_active:
        return None
    _record_use(key, now)
    key.owner.used_key = key
    return key


def revoke(key: ApiKey) -> None:
    """Make a key useless from now on. It stays in the list of its owner."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())


def _record_use(key: ApiKey, now: datetime) -> None:
    if key.last_used_at is None or key.last_used_at < now - LAST_USE:
        # While another process locks the database, this is left to the next call.
        with suppress(NotWritten), optional_write():
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


def _digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "replace")).hexdigest()
