"""The page for a form that fails the CSRF check: it says why and keeps the text.

A form passes if its token fits the cookie and its ``Origin`` is this site. Behind a
proxy that rewrites the host, or whose HTTPS the site does not know, every form fails
the second condition. The sender cannot help that, so the page names the setting.
"""

from __future__ import annotations

import copy
import logging
from enum import StrEnum
from typing import TypedDict
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.shortcuts import render
from django_htmx.http import reswap

from chat.forms import MessageForm
from chat.http.request import Request
from chat.views.errors import file_too_large, form_action, upload_limit
from chatsite import hosts

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1", "")


class Cause(StrEnum):
    """Why a form failed the check."""

    OLD = "old"
    NO_COOKIE = "no_cookie"
    OTHER_SITE = "other_site"
    NO_ORIGIN = "no_origin"
    SETTINGS = "settings"


class CsrfFailureContext(TypedDict):
    """For ``errors/csrf_failure.html`` and ``_csrf_failure.html``."""

    #: A value of ``Cause``.
    cause: str
    #: Names, some with the value that they need.
    missing_settings: list[str]
    #: The text that was sent, if any.
    form: MessageForm | None
    #: URL for the form.
    action: str


def csrf_failure(request: Request, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """Show the cause, with the typed text in a form that has a valid token.

    Only a person can send that form. A page with htmx stays as it is and shows the
    missing settings, if those are the cause.
    """
    if _has_unread_file(request):
        return file_too_large(request)
    cause = cause_of(request)
    missing = missing_settings(request) if cause is Cause.SETTINGS else []
    if missing:
        log.warning(
            "forms are refused: a page is opened at %s and its requests arrive for %s; "
            "set %s",
            *(_sender(request), _own_origin(request), " and ".join(missing)),
        )
    get_token(request)
    context: CsrfFailureContext = {
        "cause": cause.value,
        "missing_settings": missing,
        "form": MessageForm(request.POST) if "text" in request.POST else None,
        "action": form_action(request),
    }
    if missing and request.htmx:
        page = render(request, "errors/_csrf_failure.html", context, status=422)
        return reswap(page, "none")
    return render(request, "errors/csrf_failure.html", context, status=403)


def _has_unread_file(request: HttpRequest) -> bool:
    """Whether a file was too large, so the server left out the form."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    limit = upload_limit(request)
    return limit is not None and length.isdigit() and int(length) > limit


def cause_of(request: HttpRequest) -> Cause:
    """The cause of a failed check.

    ``SETTINGS`` only for a page of this site: its token fits, the browser vouches for
    it, or only the scheme differs. Otherwise another site could get its own address
    named as a trusted origin.
    """
    sender, own = _sender(request), _own_origin(request)
    if sender not in (None, own):
        is_ours = _host(sender or "") == _host(own) or _is_own_page(request)
        return Cause.SETTINGS if is_ours else Cause.OTHER_SITE
    if sender is None and _is_own_page(request):
        return Cause.NO_ORIGIN
    has_cookie = settings.CSRF_COOKIE_NAME in request.COOKIES
    return Cause.OLD if has_cookie else Cause.NO_COOKIE


def missing_settings(request: HttpRequest) -> list[str]:
    """The settings that make the site accept forms from the page that sent this one."""
    sender = _sender(request) or ""
    is_https = sender.startswith("https:")
    is_same_host = _host(sender) == _host(_own_origin(request))
    if not is_same_host or is_https == request.is_secure():
        return [f"CSRF_TRUSTED_ORIGINS={sender}"]
    if not is_https:  # the proxy reports HTTPS for plain requests, too
        return ["PROXY_SCHEME_HEADER"]
    is_proxy_here = request.META.get("REMOTE_ADDR", "") in LOOPBACK
    return ["HTTPS_ONLY=on", *([] if is_proxy_here else ["TRUSTED_PROXIES"])]


class _TokenCheck(CsrfViewMiddleware):
    """Django's check, without its failure page and its log."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:  # noqa: ARG002
        return HttpResponse(reason)


def _is_own_page(request: HttpRequest) -> bool:
    """Whether the browser says that the page is of this site, or its token fits."""
    if request.headers.get("Sec-Fetch-Site") == "same-origin":
        return True
    request.POST  # noqa: B018 - the body can be read only once: before the copy
    asked = copy.copy(request)
    asked.META = {**request.META, "HTTP_ORIGIN": _own_origin(request)}
    check = _TokenCheck(lambda _: HttpResponse())
    return check.process_view(asked, lambda _: HttpResponse(), (), {}) is None


def _sender(request: HttpRequest) -> str | None:
    """The origin of the page that sent the form; None if the browser hides it."""
    raw = request.headers.get("Origin") or request.headers.get("Referer", "")
    try:
        parts = urlsplit(raw)
        return hosts.origin(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        return None


def _own_origin(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"


def _host(origin: str) -> str:
    """Host and port of an origin, without a port that is the default of a scheme."""
    netloc = urlsplit(origin).netloc
    return netloc.removesuffix(":80").removesuffix(":443")
