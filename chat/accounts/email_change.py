"""Changes the email address of an account once the user follows a link sent there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from chat.accounts.mail import mark_mailed, send_mail
from chat.accounts.site_url import absolute_url, can_mail
from chat.models import User

SALT = "chat.accounts.addresses"
LINK_SECONDS = 86_400


class AddressTaken(Exception):
    """Another account has the address."""


class MailedRecently(Exception):
    """A mail was sent to this address a moment ago, for this user or another."""


@dataclass(frozen=True, slots=True)
class EmailChange:
    """The address that the holder of a valid link asked for."""

    user: User
    email: str


def request_email_change(user: User, email: str, request: HttpRequest) -> bool:
    """Give an account this address (empty for none), at once if the site sends no mail.

    Returns True if a link was sent, which the user has to follow first. If another
    account has the address, the mail tells its owner and the caller learns nothing.
    Raises ``MailedRecently``, and without mail ``AddressTaken``.
    """
    if not email or not can_mail():
        _save_address(user, email)
        return False
    if not mark_mailed(f"address {email}"):
        raise MailedRecently
    if User.objects.addressed(email) not in (None, user):
        send_mail(email, "taken", {"user": user})
        return True
    payload = {"user": str(user.pk), "email": email, "state": state_digest(user)}
    link = reverse("confirm", args=[signing.dumps(payload, salt=SALT)])
    send_mail(email, "confirm", {"user": user, "link": absolute_url(link, request)})
    return True


def read_link_token(token: str) -> EmailChange | None:
    """Return the change that a link asks for; None if it is invalid or outdated."""
    try:
        payload: dict[str, Any] = signing.loads(token, salt=SALT, max_age=LINK_SECONDS)
    except signing.BadSignature:
        return None
    user = User.objects.filter(is_active=True, pk=payload["user"]).first()
    if user is None or not constant_time_compare(
        state_digest(user), payload.get("state", "")
    ):
        return None
    return EmailChange(user, payload["email"])


def confirm_email_change(change: EmailChange) -> None:
    """Save the address as confirmed. Raises ``AddressTaken``."""
    _save_address(change.user, change.email, confirmed_email=change.email)


def state_digest(user: User) -> str:
    """A digest that changes with the address and the password.

    A new password that shuts out an intruder thus voids the intruder's links as well.
    """
    state = f"{user.pk}\n{user.email}\n{user.password}"
    return salted_hmac(SALT, state, algorithm="sha256").hexdigest()


def _save_address(user: User, email: str, **more: str) -> None:
    before = user.email
    try:
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(email=email, **more)
    except IntegrityError:
        raise AddressTaken from None
    user.email = email
    if before and before != email:
        send_mail(before, "moved", {"user": user})
