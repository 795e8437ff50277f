"""What the tests of limits do: make guests and accounts, send, read what remains."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import transaction

from chat.models import User
from chat.services.errors import MessageRefused
from chat.services.limits.admission import admit
from chat.services.limits.remaining import remaining_limits
from chat.services.limits.rules import LimitKind, LimitScope

NETWORK = "0123456789abcdef"


def guest(network: str = "") -> User:
    return User.objects.guest(uuid.uuid4(), network)


def account(**fields: Any) -> User:
    return User.objects.create(username=uuid.uuid4().hex, **fields)


def ask(owner: User, count: int = 1) -> None:
    with transaction.atomic():
        admit(owner, None, "scripted", count)


def refusal_of(owner: User, count: int = 1) -> MessageRefused:
    with pytest.raises(MessageRefused) as refused:
        ask(owner, count)
    return refused.value


def left(owner: User, kind: LimitKind, whose: LimitScope | None = None) -> int:
    whose = whose or (LimitScope.GUEST if owner.is_guest else LimitScope.ACCOUNT)
    return next(
        one.remaining
        for one in remaining_limits(owner)
        if one.kind is kind and one.scope is whose
    )
