"""The link in a mail by which a person wants no more of them, without a log-in."""

from __future__ import annotations

from django.core import signing

from chat.models import User

SALT = "chat.notifications.stop"


def stop_token(user: User) -> str:
    """A signed token, which is valid for ever: old mails lie around for long."""
    return signing.Signer(salt=SALT).sign(user.pk.hex)


def read_stop_token(token: str) -> User | None:
    """The user whose mails a token stops; None if it is not one of ours."""
    try:
        pk = signing.Signer(salt=SALT).unsign(token)
    except signing.BadSignature:
        return None
    return User.objects.filter(is_active=True, pk=pk).first()


def set_ready_mail(user: User, language: str) -> None:
    """Ask for mail in a language that replies are ready; an empty one stops it."""
    User.objects.filter(pk=user.pk).update(ready_mail_language=language)
    user.ready_mail_language = language
