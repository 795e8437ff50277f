"""Links with which a user who cannot log in sets a new password."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.contrib.auth.tokens import default_token_generator
from django.http import HttpRequest
from django.urls import reverse

from chat.accounts.mail import mark_mailed, send_mail
from chat.accounts.session_end import end_all_sessions
from chat.accounts.site_url import absolute_url, can_mail
from chat.models import User


def reset_link(user: User, request: HttpRequest | None = None) -> str:
    """Return a link to set a password, valid for a day and once.

    Raises ``ValueError`` for a guest and for a closed account.
    """
    if user.is_guest or not user.is_active:
        raise ValueError("only an account that is open has a password")
    token = default_token_generator.make_token(user)
    return absolute_url(reverse("reset", args=[user.pk, token]), request)


def send_reset_link(email: str, request: HttpRequest) -> None:
    """Mail a link to the account with this address.

    Without such an account the same work is done, so that neither the answer nor its
    time tells whether one exists.
    """
    if not can_mail() or not mark_mailed(f"reset {email.lower()}"):
        return
    found = User.objects.addressed(email)
    user = found or User(username="nobody", email=email, password=make_password(None))
    context = {"user": user, "link": reset_link(user, request)}
    send_mail(user.email, "reset", context, is_wanted=found is not None)


def is_valid_token(user: User | None, token: str) -> bool:
    """Whether a token is valid for this user."""
    if user is None or user.is_guest or not user.is_active:
        return False
    return default_token_generator.check_token(user, token)


def set_password(user: User, password: str, keep: str | None = None) -> None:
    """Save a new password and end all sessions except the one with the key ``keep``."""
    user.set_password(password)
    user.save(update_fields=["password"])
    end_all_sessions(user, keep)
