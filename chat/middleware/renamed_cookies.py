"""Cookies under names that the site used before still count, until they are renamed.

Cookies know no port, so those of other sites on this host come along. None of them is
believed, changed or deleted: a guest's cookie counts where the signature is right, a
session where the database has it, and the rest beside such a guest's cookie only.
Where ``HTTPS_ONLY`` was switched, a guest is taken over. A session is not, since plain
HTTP may have shown its key to others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from chat.accounts import guest_cookie
from chat.http.theme import COOKIE as THEME
from chat.http.theme import set_theme, theme_of

#: Not proven by themselves: another site may use the same bare names.
UNPROVEN = ("csrftoken", "theme", "tz")


class OwnCookies:
    """Middleware around the one of sessions.

    Only a whole page sets them: the answer to a poll may overtake the answer to a
    log-in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        adopted = _adopt(request)
        response = self._get_response(request)
        guest = guest_cookie.due(request)
        if guest is not None and guest_cookie.own_name() not in response.cookies:
            guest_cookie.give(response, guest)
        if request.method == "GET" and "HX-Request" not in request.headers:
            _hand_over(request, response, adopted)
        return response


def _adopt(request: HttpRequest) -> set[str]:
    """Put earlier cookies under the site's own names; which."""
    names = settings.COOKIE_NAMES
    is_session = _copy(request, "sessionid", names.earlier("sessionid"))
    adopted = {"sessionid"} if is_session else set()
    if guest_cookie.own_name() in request.COOKIES:
        return adopted
    for names_of in (names.earlier, names.of_other_scheme):
        pk = guest_cookie.read_earlier(request, names_of(guest_cookie.BASE))
        if pk is not None:
            request.COOKIES[guest_cookie.own_name()] = guest_cookie.value_for(pk)
            beside = {one for one in UNPROVEN if _copy(request, one, names_of(one))}
            return adopted | {"guest"} | beside
    return adopted


def _copy(request: HttpRequest, base: str, names: Sequence[str]) -> bool:
    own = settings.COOKIE_NAMES.own(base)
    if own in request.COOKIES:
        return False
    values = (request.COOKIES.get(name) for name in names)
    found = next((value for value in values if value), None)
    if found is not None:
        request.COOKIES[own] = found
    return found is not None


def _hand_over(request: HttpRequest, response: HttpResponse, adopted: set[str]) -> None:
    """Set the adopted cookies, and a guest's that grows old. That of the token is set
    by Django wherever a form is."""
    found = guest_cookie.read(request)
    is_due = found is not None and (found.is_old or "guest" in adopted)
    if found is not None and is_due and guest_cookie.own_name() not in response.cookies:
        guest_cookie.give(response, found.pk)
    if "theme" in adopted and THEME not in response.cookies:
        set_theme(response, theme_of(request))
    session = getattr(request, "session", None)
    if "sessionid" in adopted and session is not None:
        _keep_session(request, response, session)


def _keep_session(
    request: HttpRequest, response: HttpResponse, session: SessionBase
) -> None:
    """Give a living session its new name; a session that ended, or one of another
    site, has no row."""
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
