"""Accepts cookies under earlier names of the site, and gives them their current names.

Cookies are not separated by port, so the cookies of other sites on this host arrive
too. The middleware does not trust, change or delete them. It accepts a guest cookie
with a valid signature, and a session that the database has. It accepts the other
cookies only beside such a guest cookie. After ``HTTPS_ONLY`` has changed, the guest is
kept. The session is not, because plain HTTP may have exposed its key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from chat.accounts import guest_cookie
from chat.http.language import COOKIE as LANGUAGE
from chat.http.language import chosen_language, set_language
from chat.http.theme import COOKIE as THEME
from chat.http.theme import set_theme, theme_of

#: Cookies without a signature: another site may use the same bare names.
UNSIGNED = ("csrftoken", "theme", "language", "tz")


class RenamedCookiesMiddleware:
    """Middleware around Django's session middleware.

    It sets cookies only with a whole page: the answer to a poll may overtake the answer
    to a log-in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, and set the cookies that are due."""
        adopted = _adopt_earlier_cookies(request)
        response = self._get_response(request)
        guest = guest_cookie.guest_to_set(request)
        if guest is not None and guest_cookie.cookie_name() not in response.cookies:
            guest_cookie.set_cookie(response, guest)
        if request.method == "GET" and "HX-Request" not in request.headers:
            _set_current_cookies(request, response, adopted)
        return response


def _adopt_earlier_cookies(request: HttpRequest) -> set[str]:
    """Copy earlier cookies to their current names; return the base names of these."""
    names = settings.COOKIE_NAMES
    is_session = _copy_to_current_name(request, "sessionid", names.earlier("sessionid"))
    adopted = {"sessionid"} if is_session else set()
    if guest_cookie.cookie_name() in request.COOKIES:
        return adopted
    for names_of in (names.earlier, names.of_other_scheme):
        pk = guest_cookie.read_earlier_cookie(request, names_of(guest_cookie.BASE_NAME))
        if pk is not None:
            request.COOKIES[guest_cookie.cookie_name()] = guest_cookie.signed_value(pk)
            beside = {
                one
                for one in UNSIGNED
                if _copy_to_current_name(request, one, names_of(one))
            }
            return adopted | {"guest"} | beside
    return adopted


def _copy_to_current_name(
    request: HttpRequest, base: str, names: Sequence[str]
) -> bool:
    own = settings.COOKIE_NAMES.own(base)
    if own in request.COOKIES:
        return False
    values = (request.COOKIES.get(name) for name in names)
    found = next((value for value in values if value), None)
    if found is not None:
        request.COOKIES[own] = found
    return found is not None


def _set_current_cookies(
    request: HttpRequest, response: HttpResponse, adopted: set[str]
) -> None:
    """Set the adopted cookies, and a guest cookie that is due for renewal.

    Django sets the cookie of the CSRF token wherever a page has a form.
    """
    found = guest_cookie.read_cookie(request)
    is_due = found is not None and (found.needs_renewal or "guest" in adopted)
    if (
        found is not None
        and is_due
        and guest_cookie.cookie_name() not in response.cookies
    ):
        guest_cookie.set_cookie(response, found.pk)
    if "theme" in adopted and THEME not in response.cookies:
        set_theme(response, theme_of(request))
    if "language" in adopted and LANGUAGE not in response.cookies:
        set_language(response, chosen_language(request))
    session = getattr(request, "session", None)
    if "sessionid" in adopted and session is not None:
        _set_session_cookie(request, response, session)


def _set_session_cookie(
    request: HttpRequest, response: HttpResponse, session: SessionBase
) -> None:
    """Give a session its current cookie name.

    A session that has ended, or one of another site, has no row.
    """
    name = settings.SESSION_COOKIE_NAME
    row = getattr(session, "row", None)
    if row is None or row.pk != request.COOKIES[name] or name in response.cookies:
        return
    response.set_cookie(
        name,
        row.pk,
        max_age=round((row.expire_date - timezone.now()).total_seconds()),
        httponly=settings.SESSION_COOKIE_HTTPONLY,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
