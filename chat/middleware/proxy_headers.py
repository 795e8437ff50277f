"""What a proxy in front of the site changes about a request is put right here."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from chat.accounts.client_network import is_from_proxy, trusted_hops

log = logging.getLogger(__name__)

#: How proxies say that a browser speaks HTTPS; ``on`` is said in ``X-Forwarded-Ssl``.
SECURE = ("https", "on", "ssl")
#: Headers in which they do. Only ``PROXY_SCHEME_HEADER`` is believed.
SCHEME_HEADERS = (
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_PROTOCOL",
    "HTTP_X_FORWARDED_SCHEME",
    "HTTP_X_FORWARDED_SSL",
    "HTTP_X_SCHEME",
    "HTTP_X_URL_SCHEME",
    "HTTP_FRONT_END_HTTPS",
    "HTTP_CLOUDFRONT_FORWARDED_PROTO",
    "HTTP_FORWARDED",
)
#: As ``Forwarded`` spells it (RFC 7239).
FORWARDED_PROTO = re.compile(r'\bproto="?([^";,\s]+)', re.IGNORECASE)
#: A cookie that only HTTPS brings back: with it, a redirect to HTTPS came from there.
REDIRECTED = settings.COOKIE_NAMES.own("redirected")
REDIRECTED_SECONDS = 10
DEFAULT_PORT = {"http": ":80", "https": ":443"}


class Proxy:
    """Middleware: the scheme, the host and the path as the browser knows them.

    Of what a request says, only the word of a trusted proxy on the scheme is taken.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        claims_https = _claims_https(request)
        _settle_scheme(request)
        _settle_host(request)
        is_whole = _settle_path(request)
        is_redirected = _would_be_redirected(request)
        if prefix := _foreign_prefix(request):
            return _unknown_prefix(request, prefix)
        if is_redirected and claims_https:
            return _unknown_proxy(request)
        if not is_whole:
            return HttpResponseRedirect(request.get_full_path())
        response = self._get_response(request)
        return _noted(response) if is_redirected else response


def is_told_https(request: HttpRequest) -> bool:
    """Whether the proxies that are trusted say that the browser speaks HTTPS.

    Each proxy may add a word to the header. The one of the farthest trusted proxy
    counts: what stands before it comes from the client. Without ``X-Forwarded-For`` it
    is not known how many there are, and the first word counts, as in Django.
    """
    said = _schemes(request.META.get(settings.PROXY_SCHEME_HEADER, ""))
    is_counted = "HTTP_X_FORWARDED_FOR" in request.META
    hops = trusted_hops(request) if is_counted else len(said)
    return said[max(0, len(said) - hops)] in SECURE


def _settle_scheme(request: HttpRequest) -> None:
    """Leave one word of a trusted proxy, spelled as Django looks for it, or none."""
    is_https = is_from_proxy(request) and is_told_https(request)
    request.META.pop(settings.PROXY_SCHEME_HEADER, None)
    if is_https:
        request.META[settings.PROXY_SCHEME_HEADER] = "https"


def _settle_host(request: HttpRequest) -> None:
    """Spell the host as browsers do in ``Origin``: small letters, no default port."""
    if host := request.META.get("HTTP_HOST"):
        port = DEFAULT_PORT[request.scheme or "http"]
        request.META["HTTP_HOST"] = host.lower().removesuffix(port)


def _settle_path(request: HttpRequest) -> bool:
    """Take off the prefix where a proxy passed it on; False for ``/chat`` without its
    last slash."""
    prefix = settings.URL_PREFIX
    if not prefix:
        return True
    path = request.path_info
    is_passed_on = path == prefix or path.startswith(f"{prefix}/")
    bare = path[len(prefix) :] if is_passed_on else path
    # A prefix is often taken off together with the slash behind it, or without.
    request.path_info = f"/{bare.lstrip('/')}"
    request.META["PATH_INFO"] = request.path_info
    request.path = f"{prefix}{request.path_info}"
    return path != prefix


def _foreign_prefix(request: HttpRequest) -> str:
    """What a server or a proxy says of the prefix, where the setting is another."""
    said = str(request.META.get("SCRIPT_NAME", "")).rstrip("/")
    return "" if said == settings.URL_PREFIX else said


def _claims_https(request: HttpRequest) -> bool:
    """Whether the browser seems to have come over HTTPS, whoever says so."""
    names = (settings.PROXY_SCHEME_HEADER, *SCHEME_HEADERS)
    said = {one for name in names for one in _schemes(request.META.get(name, ""))}
    return REDIRECTED in request.COOKIES or not said.isdisjoint(SECURE)


def _would_be_redirected(request: HttpRequest) -> bool:
    """To where it comes from, for ever."""
    path = request.path.lstrip("/")
    is_exempt = any(re.search(one, path) for one in settings.SECURE_REDIRECT_EXEMPT)
    return settings.SECURE_SSL_REDIRECT and not request.is_secure() and not is_exempt


def _noted(response: HttpResponse) -> HttpResponse:
    response.set_cookie(
        REDIRECTED,
        "1",
        max_age=REDIRECTED_SECONDS,
        secure=True,
        httponly=True,
        samesite="Lax",
    )
    return response


def _schemes(said: str) -> list[str]:
    """The words of a header, one of each proxy, in small letters."""
    found = (FORWARDED_PROTO.search(one) or [one, one] for one in said.split(","))
    return [one[1].strip().lower() for one in found]


def _unknown_prefix(request: HttpRequest, prefix: str) -> HttpResponse:
    log.warning("a server or a proxy says SCRIPT_NAME: set URL_PREFIX to it")
    return render(request, "errors/unknown_proxy.html", {"prefix": prefix}, status=400)


def _unknown_proxy(request: HttpRequest) -> HttpResponse:
    log.warning(
        "a proxy speaks HTTPS and is not believed: set TRUSTED_PROXIES to its address, "
        "and PROXY_SCHEME_HEADER to the header in which it says https"
    )
    return render(request, "errors/unknown_proxy.html", status=400)
