"""The theme of the pages: light, dark or the system's, kept in a cookie.

The server renders the chosen theme, so no page flashes in another one.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from chat.http.choice_cookie import keep_choice

FIELD = "theme"
COOKIE = settings.COOKIE_NAMES.own("theme")
THEMES = {"": _("System"), "light": _("Light"), "dark": _("Dark")}


def theme(request: HttpRequest) -> dict[str, str]:
    """Context processor: the theme chosen in this browser; empty for the system's."""
    return {"theme": theme_of(request)}


def theme_of(request: HttpRequest) -> str:
    """The theme chosen in this browser; empty for the system's."""
    chosen = request.COOKIES.get(COOKIE, "")
    return chosen if chosen in THEMES else ""


def remember_theme(request: HttpRequest, response: HttpResponse) -> None:
    """Set the cookie for the theme of a form, if the form has a valid one."""
    chosen = request.POST.get(FIELD, "")
    if chosen in THEMES:
        set_theme(response, chosen)


def set_theme(response: HttpResponse, chosen: str) -> None:
    """Set the cookie for a theme, for as long as a session lasts."""
    keep_choice(response, COOKIE, chosen)
