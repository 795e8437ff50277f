"""Context processors: whether visitors may sign up, and the names of cookies."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from chat.accounts.sign_up import can_sign_up
from chat.http import sidebar, theme


def accounts(_request: HttpRequest) -> dict[str, bool]:
    """Return ``can_sign_up``: whether to show the link to the sign-up page.

    ``has_push``: whether phones may put the site on their home screen, which some need
    to show notices.
    """
    return {"can_sign_up": can_sign_up(), "has_push": settings.HAS_PUSH}


def cookies(_request: HttpRequest) -> dict[str, str]:
    """Return the names of cookies and of browser storage that the scripts use.

    ``site`` separates what the scripts of two sites store under one origin.
    """
    names = settings.COOKIE_NAMES
    return {
        "site": names.suffix,
        "earlier_sites": " ".join(names.earlier_suffixes),
        "token_cookie": settings.CSRF_COOKIE_NAME,
        "zone_cookie": names.own("tz"),
        "theme_cookie": theme.COOKIE,
        "list_cookie": sidebar.COOKIE,
    }
