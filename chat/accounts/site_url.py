"""Addresses of this site, for links that leave it."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

ANY = ("0.0.0.0", "::", "[::]", "*")  # noqa: S104 - compared, not bound


def address(path: str, request: HttpRequest | None = None) -> str:
    """``SITE_URL`` and a path; where that is not set, the name under which the request
    came (one of ``ALLOWED_HOSTS``), or this machine's."""
    if settings.SITE_URL:
        return f"{settings.SITE_URL}{path}"
    if request is not None:
        return request.build_absolute_uri(path)
    host = "127.0.0.1" if settings.BIND in ANY else settings.BIND.strip("[]")
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{settings.PORT}{path}"


def guessed() -> str:
    """What a command says that had to guess where the site is; or nothing."""
    if settings.SITE_URL:
        return ""
    return "If the site is reached elsewhere, set SITE_URL (or PORT) and make it anew."


def can_mail() -> bool:
    """Whether mail can leave, with links that nobody can turn elsewhere: a request may
    name many a host and any port, and only ``SITE_URL`` says which is this site."""
    return bool(settings.HAS_MAIL and settings.SITE_URL)
