"""The account that an argument of a command names."""

from __future__ import annotations

from django.core.management.base import CommandError

from chat.models import User


def account_named(typed: str) -> User:
    """Return the account with this name or email address. Raises ``CommandError``."""
    user = User.objects.known_as(typed)
    if user is None or not user.is_active:
        raise CommandError(
            f"There is no account {typed!r} in this database. Commands need the "
            "DATA_DIR and DATABASE_URL of the site."
        )
    return user
