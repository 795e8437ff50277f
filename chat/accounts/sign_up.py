"""Signing up: the browser's guest becomes an account and keeps its conversations."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from chat.accounts import invitations
from chat.accounts.session_end import end_all_sessions
from chat.models import User


class NameTaken(Exception):
    """Another account has the name or the address."""


class AlreadySignedUp(Exception):
    """The guest signed up a moment ago."""


class InvitationSpent(Exception):
    """The invitation was used a moment ago, or has expired."""


def can_sign_up(invitation: str = "") -> bool:
    """Whether a visitor may make an account, with an invitation if one is required."""
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
    """Make an account from the row of ``guest``, or a new one with the id ``pk``.

    The guest's sessions elsewhere end, because what identified a guest must not open an
    account. Raises ``NameTaken``, ``AlreadySignedUp`` or ``InvitationSpent``.
    """
    given = {"username": name, "password": make_password(password), "email": email}
    try:
        with transaction.atomic():
            user = _name_guest(guest, given) if guest else _create_user(pk, given)
            if invitation and not invitations.use_invitation(invitation, user):
                raise InvitationSpent
    except IntegrityError:
        raise NameTaken from None
    end_all_sessions(user)
    return user


def _name_guest(guest: User, given: dict[str, str]) -> User:
    unnamed = User.objects.filter(pk=guest.pk, username=None, is_active=True)
    if not unnamed.update(**given, seen_at=timezone.now(), network=""):
        raise AlreadySignedUp
    return User.objects.get(pk=guest.pk)


def _create_user(pk: uuid.UUID | None, given: dict[str, str]) -> User:
    """The id of the browser's cookie makes one account of a double click."""
    if pk is None or User.objects.filter(pk=pk).exists():
        pk = uuid.uuid4()
    return User.objects.create(pk=pk, **given, seen_at=timezone.now())
