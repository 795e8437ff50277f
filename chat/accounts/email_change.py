"""Changes the e-mail address of an account once the user follows a link sent there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from chat.accounts.mail import is_due, mail
from chat.accounts.site_url import address, can_mail
from chat.models import User

SALT = "chat.accounts.addresses"
LINK_SECONDS = 86_400


class AddressTaken(Exception):
    """Another account has the address."""


class AskedBefore(Exception):
    """A mail was sent to this address a moment ago, for this user or another."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The address that the holder of a valid link asked for."""

    user: User
    email: str


def ask_for(user: User, email: str, request: HttpRequest) -> bool:
    """Give an account this address (empty for none), at once if the site sends no mail.

    Returns True if a link was sent, which the user has to follow first. If another
    account has the address, the mail tells its owner and the caller learns nothing.
    Raises ``AskedBefore``, and without mail ``AddressTaken``.
    """
    if not email or not can_mail():
        _keep(user, email)
        return False
    if not is_due(f"address {email}"):
        raise AskedBefore
    if User.objects.addressed(email) not in (None, user):
        mail(email, "taken", {"user": user})
        return True
    said = {"user": str(user.pk), "email": email, "state": _state(user)}
    link = reverse("confirm", args=[signing.dumps(said, salt=SALT)])
    mail(email, "confirm", {"user": user, "link": address(link, request)})
    return True


def wish_of(token: str) -> Wish | None:
    """Return the change that a link asks for; None if it is invalid or outdated."""
    try:
        said: dict[str, Any] = signing.loads(token, salt=SALT, max_age=LINK_SECONDS)
    except signing.BadSignature:
        return None
    user = User.objects.filter(is_active=True, pk=said["user"]).first()
    if user is None or not constant_time_compare(_state(user), said.get("state", "")):
        return None
    return Wish(user, said["email"])


def confirm(wish: Wish) -> None:
    """Save the address. Raises ``AddressTaken``."""
    _keep(wish.user, wish.email)


def _state(user: User) -> str:
    """A digest that changes with the address and the password.

    A new password that shuts out an intruder thus voids the intruder's links as well.
    """
    state = f"{user.pk}\n{user.email}\n{user.password}"
    return salted_hmac(SALT, state, algorithm="sha256").hexdigest()


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
