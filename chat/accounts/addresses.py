"""The e-mail address of an account: kept once a link sent to it was followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse

from chat.accounts.mailing import is_due, mail
from chat.accounts.site import address, can_mail
from chat.models import User

SALT = "chat.accounts.addresses"
LINK_SECONDS = 86_400


class AddressTaken(Exception):
    """Another account has it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """An account that is to have another address than it had."""

    user: User
    email: str


def ask_for(user: User, email: str, request: HttpRequest) -> bool:
    """Give an account this address (empty: none), at once where no mail leaves.

    True if a link was sent that has to be followed first. Of an address that another
    account has, only its owner hears. Raises ``AddressTaken`` where no mail leaves.
    """
    if not email or not can_mail():
        _keep(user, email)
        return False
    if not is_due(f"{user.pk} {user.email} {email}"):
        return True  # the link from a moment ago is still good
    if User.objects.addressed(email) not in (None, user):
        mail(email, "taken", {"user": user})
        return True
    said = {"user": str(user.pk), "email": email, "before": user.email}
    link = reverse("confirm", args=[signing.dumps(said, salt=SALT)])
    mail(email, "confirm", {"user": user, "link": address(link, request)})
    return True


def wish_of(token: str) -> Wish | None:
    """What a link asks for; None where it is none, too old, or overtaken."""
    try:
        said: dict[str, Any] = signing.loads(token, salt=SALT, max_age=LINK_SECONDS)
    except signing.BadSignature:
        return None
    open_ones = User.objects.filter(is_active=True, email=said["before"])
    user = open_ones.filter(pk=said["user"]).first()
    return Wish(user, said["email"]) if user else None


def confirm(wish: Wish) -> None:
    """Raises ``AddressTaken``."""
    _keep(wish.user, wish.email)


def _keep(user: User, email: str) -> None:
    before = user.email
    try:
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(email=email)
    except IntegrityError:
        raise AddressTaken from None
    user.email = email
    if before and before != email:
        mail(before, "moved", {"user": user})
