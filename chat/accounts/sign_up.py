"""Signing up: the guest of this browser gets a name, and so keeps what they wrote."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from chat.accounts import invitations
from chat.accounts.session_end import end_all
from chat.models import User


class NameTaken(Exception):
    """Somebody else has the name, or the address."""


class IsNoGuest(Exception):
    """This browser's guest signed up a moment ago."""


class InvitationSpent(Exception):
    """Somebody was quicker with the same invitation."""


def can_sign_up(invitation: str = "") -> bool:
    """Whether a stranger may make an account, with an invitation where one is asked."""
    if settings.SIGNUP == "invitation":
        return bool(invitation)
    return bool(settings.SIGNUP == "open")


def create_account(
    name: str,
    password: str,
    email: str = "",
    *,
    guest: User | None = None,
    pk: uuid.UUID | None = None,
    invitation: str = "",
) -> User:
    """The account, which is the row of ``guest`` or a new one with the id ``pk``.

    Their sessions elsewhere end: what made them a guest opens no account. Raises
    ``NameTaken``, ``IsNoGuest``, ``InvitationSpent``.
    """
    given = {"username": name, "password": make_password(password), "email": email}
    try:
        with transaction.atomic():
            user = _named(guest, given) if guest else _made(pk, given)
            if invitation and not invitations.use(invitation, user):
                raise InvitationSpent
    except IntegrityError:
        raise NameTaken from None
    end_all(user)
    return user


def _named(guest: User, given: dict[str, str]) -> User:
    unnamed = User.objects.filter(pk=guest.pk, username=None, is_active=True)
    if not unnamed.update(**given, seen_at=timezone.now(), network=""):
        raise IsNoGuest
    return User.objects.get(pk=guest.pk)


def _made(pk: uuid.UUID | None, given: dict[str, str]) -> User:
    """The id of the browser's cookie makes a double click one account."""
    if pk is None or User.objects.filter(pk=pk).exists():
        pk = uuid.uuid4()
    return User.objects.create(pk=pk, **given, seen_at=timezone.now())
