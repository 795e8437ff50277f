"""A choice of one browser, such as its theme, kept in a cookie."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse


def keep_choice(response: HttpResponse, cookie: str, chosen: str) -> None:
    """Set the cookie of a choice, for as long as a session lasts."""
    response.set_cookie(
        cookie,
        chosen,
        max_age=settings.SESSION_COOKIE_AGE,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
