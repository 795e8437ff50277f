"""What a person is told whose form cannot be trusted, and what its text becomes.

A form is trusted if its token fits the cookie and its ``Origin`` is this site. A proxy
that rewrites the host, or of whose HTTPS the site does not know, makes the second fail
for every form: that is no matter of the person, so the setting is named.
"""

from __future__ import annotations

import copy
import logging
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.shortcuts import render
from django_htmx.http import reswap

from chat.forms import MessageForm
from chat.http.request import Request
from chat.views.errors import form_action
from chatsite import hosts

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1", "")


class Cause(StrEnum):
    """Why a form was not trusted."""

    OLD = "old"
    NO_COOKIE = "no_cookie"
    OTHER_SITE = "other_site"
    UNSAID = "unsaid"
    SETTINGS = "settings"


def csrf_failure(request: Request, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """The page that says why, with the typed text in a fresh form.

    Only a person can send that one. A page with a script stays as it is and says which
    settings are missing, if those are the cause.
    """
    cause = cause_of(request)
    wanted = wanted_settings(request) if cause is Cause.SETTINGS else []
    if wanted:
        log.warning(
            "forms are refused: a page is opened at %s and its requests arrive for %s; "
            "set %s",
            *(_sender(request), _own_origin(request), " and ".join(wanted)),
        )
    get_token(request)
    context = {
        "cause": cause.value,
        "wanted": wanted,
        "form": MessageForm(request.POST) if "text" in request.POST else None,
        "action": form_action(request),
        "limit": settings.MESSAGE_MAX_CHARACTERS,
    }
    if wanted and request.htmx:
        page = render(request, "errors/_csrf_failure.html", context, status=422)
        return reswap(page, "none")
    return render(request, "errors/csrf_failure.html", context, status=403)


def cause_of(request: HttpRequest) -> Cause:
    """Settings are named only for a page of this site: its token fits, or the browser
    vouches for it, or only the scheme differs. Otherwise a foreign page could have its
    own address named."""
    sender, own = _sender(request), _own_origin(request)
    if sender not in (None, own):
        is_ours = _host(sender or "") == _host(own) or _is_own_page(request)
        return Cause.SETTINGS if is_ours else Cause.OTHER_SITE
    if sender is None and _is_own_page(request):
        return Cause.UNSAID
    has_cookie = settings.CSRF_COOKIE_NAME in request.COOKIES
    return Cause.OLD if has_cookie else Cause.NO_COOKIE


def wanted_settings(request: HttpRequest) -> list[str]:
    """What makes the site take forms from the page that sent this one."""
    sender = _sender(request) or ""
    is_https = sender.startswith("https:")
    is_same_host = _host(sender) == _host(_own_origin(request))
    if not is_same_host or is_https == request.is_secure():
        return [f"CSRF_TRUSTED_ORIGINS={sender}"]
    if not is_https:  # the proxy says https of plain requests, too
        return ["PROXY_SCHEME_HEADER"]
    is_proxy_here = request.META.get("REMOTE_ADDR", "") in LOOPBACK
    return ["HTTPS_ONLY=on", *([] if is_proxy_here else ["TRUSTED_PROXIES"])]


class _TokenCheck(CsrfViewMiddleware):
    """The check of the token alone, without its page of failure and its log."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:  # noqa: ARG002
        return HttpResponse(reason)


def _is_own_page(request: HttpRequest) -> bool:
    """Whether the browser vouches for the page, or its token fits."""
    if request.headers.get("Sec-Fetch-Site") == "same-origin":
        return True
    request.POST  # noqa: B018 - read before it is copied: that can be done once
    asked = copy.copy(request)
    asked.META = {**request.META, "HTTP_ORIGIN": _own_origin(request)}
    check = _TokenCheck(lambda _: HttpResponse())
    return check.process_view(asked, lambda _: HttpResponse(), (), {}) is None


def _sender(request: HttpRequest) -> str | None:
    """The origin of the page that sent the form; None where the browser hides it."""
    said = request.headers.get("Origin") or request.headers.get("Referer", "")
    try:
        parts = urlsplit(said)
        return hosts.origin(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        return None


def _own_origin(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"


def _host(origin: str) -> str:
    """Host and port of an origin, without a port that is the default of a scheme."""
    netloc = urlsplit(origin).netloc
    return netloc.removesuffix(":80").removesuffix(":443")
