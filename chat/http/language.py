"""The language of an answer: the page's, the one chosen here, or the browser's.

The choice is kept in a cookie, as the theme is, so a poll knows it without a query.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language_from_request
from django.utils.translation import gettext as _

from chat.http.choice_cookie import keep_choice

FIELD = "language"
COOKIE: str = settings.LANGUAGE_COOKIE_NAME
#: ``Page-Language``: in which language the page is whose script asks. Its parts stay in
#: one language, whatever was chosen since in another tab.
PAGE_HEADER = "HTTP_PAGE_LANGUAGE"


def language_of(request: HttpRequest) -> str:
    """The code of the language in which to answer: one of ``LANGUAGES``."""
    of_page = str(request.META.get(PAGE_HEADER, ""))
    if of_page in dict(settings.LANGUAGES):
        return of_page
    return get_language_from_request(request)


def chosen_language(request: HttpRequest) -> str:
    """The language chosen in this browser; empty for the one that it asks for."""
    chosen = request.COOKIES.get(COOKIE, "")
    return chosen if chosen in dict(settings.LANGUAGES) else ""


def offered_languages() -> dict[str, str]:
    """Languages by code, each by its own name, after the browser's; empty for one."""
    languages = dict(settings.LANGUAGES)
    return {"": _("As my browser"), **languages} if len(languages) > 1 else {}


def remember_language(request: HttpRequest, response: HttpResponse) -> None:
    """Set the cookie for the language of a form, if the form has a valid one."""
    chosen = request.POST.get(FIELD)
    if chosen is not None and chosen in offered_languages():
        set_language(response, chosen)


def set_language(response: HttpResponse, chosen: str) -> None:
    """Set the cookie for a language, for as long as a session lasts."""
    keep_choice(response, COOKIE, chosen)
