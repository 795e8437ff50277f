"""Absolute URLs of this site, for links in mail and in the output of commands."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

ANY_ADDRESS = ("0.0.0.0", "::", "[::]", "*")  # noqa: S104 - compared, not bound


def absolute_url(path: str, request: HttpRequest | None = None) -> str:
    """Return the URL of a path: ``SITE_URL`` and the path.

    Without ``SITE_URL`` it uses the host of the request, which ``ALLOWED_HOSTS`` has
    checked, else this machine's address.
    """
    if settings.SITE_URL:
        return f"{settings.SITE_URL}{path}"
    if request is not None:
        return request.build_absolute_uri(path)
    host = "127.0.0.1" if settings.BIND in ANY_ADDRESS else settings.BIND.strip("[]")
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{settings.PORT}{path}"


def guess_hint() -> str:
    """Return a hint for the output of a command that guessed the URL, else ""."""
    if settings.SITE_URL:
        return ""
    return "If the site has another URL, set SITE_URL (or PORT) and repeat the command."


def can_mail() -> bool:
    """Whether the site can send mail with links to itself.

    Links need ``SITE_URL``: a request may name any allowed host and any port.
    """
    return bool(settings.HAS_MAIL and settings.SITE_URL)
