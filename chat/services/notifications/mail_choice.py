"""Whether a person wants mail that a reply is ready, and the link that stops it."""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings
from django.core import signing
from django.utils.translation import get_language

from chat.models import User

SALT = "chat.notifications.stop"


class Missing(StrEnum):
    """What a person lacks for such mail."""

    ACCOUNT = "account"
    MAIL_SERVER = "mail_server"
    ADDRESS = "address"
    CONFIRMATION = "confirmation"


def missing_for_mail(user: User) -> Missing | None:
    """What has to come first; None where the person may ask for mail."""
    if user.is_guest:
        return Missing.ACCOUNT
    if not settings.HAS_READY_MAIL:
        return Missing.MAIL_SERVER
    if not user.email:
        return Missing.ADDRESS
    return None if user.has_confirmed_email else Missing.CONFIRMATION


def set_ready_mail(user: User, *, is_wanted: bool) -> None:
    """Ask for mail that replies are ready in the language of today, or stop it."""
    language = (get_language() or settings.LANGUAGE_CODE) if is_wanted else ""
    User.objects.filter(pk=user.pk).update(ready_mail_language=language)
    user.ready_mail_language = language


def stop_token(user: User) -> str:
    """What the link in a mail carries; it never expires, as old mails are kept."""
    return signing.Signer(salt=SALT).sign(user.pk.hex)


def read_stop_token(token: str) -> User | None:
    """The user whose mails a token stops; None if it is not one of ours."""
    try:
        pk = signing.Signer(salt=SALT).unsign(token)
    except signing.BadSignature:
        return None
    return User.objects.filter(is_active=True, pk=pk).first()
