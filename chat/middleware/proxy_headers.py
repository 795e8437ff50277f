"""Restores the scheme, host and path that a proxy in front of the site has changed."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import translation

from chat.accounts.client_network import count_trusted_hops, is_from_trusted_proxy
from chat.http.language import language_of

log = logging.getLogger(__name__)

#: How proxies say that a browser speaks HTTPS; ``X-Forwarded-Ssl`` says ``on``.
HTTPS_VALUES = ("https", "on", "ssl")
#: Headers in which proxies say so. The site trusts ``PROXY_SCHEME_HEADER`` only.
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
#: The scheme in the header ``Forwarded`` (RFC 7239).
FORWARDED_PROTO = re.compile(r'\bproto="?([^";,\s]+)', re.IGNORECASE)
#: A cookie that browsers send over HTTPS only: a request with it came over HTTPS.
REDIRECT_COOKIE = settings.COOKIE_NAMES.own("redirected")
REDIRECT_COOKIE_SECONDS = 10
DEFAULT_PORT = {"http": ":80", "https": ":443"}


class ProxyHeadersMiddleware:
    """Middleware: gives a request the scheme, host and path that the browser knows.

    Of the request's headers it trusts only the scheme that a trusted proxy states.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, or explain which setting about the proxy is wrong."""
        claims_https = _claims_https(request)
        _normalize_scheme(request)
        _normalize_host(request)
        is_whole = _remove_prefix(request)
        is_redirected = _would_be_redirected(request)
        if prefix := _foreign_prefix(request):
            return _unknown_prefix(request, prefix)
        if is_redirected and claims_https:
            return _unknown_proxy(request)
        if not is_whole:
            return HttpResponseRedirect(request.get_full_path())
        response = self._get_response(request)
        return _with_redirect_cookie(response) if is_redirected else response


def is_forwarded_https(request: HttpRequest) -> bool:
    """Whether the trusted proxies say that the browser speaks HTTPS.

    Each proxy may append a value to the header. The value of the farthest trusted proxy
    counts: the client may have sent the values before it. Without ``X-Forwarded-For``
    the number of proxies is unknown, and the first value counts, as in Django.
    """
    schemes = _schemes(request.META.get(settings.PROXY_SCHEME_HEADER, ""))
    is_counted = "HTTP_X_FORWARDED_FOR" in request.META
    hops = count_trusted_hops(request) if is_counted else len(schemes)
    return schemes[max(0, len(schemes) - hops)] in HTTPS_VALUES


def _normalize_scheme(request: HttpRequest) -> None:
    """Reduce the header to a trusted ``https`` as Django expects it, or remove it."""
    is_https = is_from_trusted_proxy(request) and is_forwarded_https(request)
    request.META.pop(settings.PROXY_SCHEME_HEADER, None)
    if is_https:
        request.META[settings.PROXY_SCHEME_HEADER] = "https"


def _normalize_host(request: HttpRequest) -> None:
    """Spell the host as browsers do in ``Origin``: lower case, no default port."""
    if host := request.META.get("HTTP_HOST"):
        port = DEFAULT_PORT[request.scheme or "http"]
        request.META["HTTP_HOST"] = host.lower().removesuffix(port)


def _remove_prefix(request: HttpRequest) -> bool:
    """Remove the prefix that a proxy passed on.

    Returns False for the bare prefix, such as ``/chat``, which lacks its last slash.
    """
    prefix = settings.URL_PREFIX
    if not prefix:
        return True
    path = request.path_info
    is_passed_on = path == prefix or path.startswith(f"{prefix}/")
    bare = path[len(prefix) :] if is_passed_on else path
    # A proxy may remove the prefix together with the slash behind it.
    request.path_info = f"/{bare.lstrip('/')}"
    request.META["PATH_INFO"] = request.path_info
    request.path = f"{prefix}{request.path_info}"
    return path != prefix


def _foreign_prefix(request: HttpRequest) -> str:
    """The prefix that a server or proxy states, if it differs from the setting."""
    stated = str(request.META.get("SCRIPT_NAME", "")).rstrip("/")
    return "" if stated == settings.URL_PREFIX else stated


def _claims_https(request: HttpRequest) -> bool:
    """Whether any header, trusted or not, says that the browser came over HTTPS."""
    names = (settings.PROXY_SCHEME_HEADER, *SCHEME_HEADERS)
    headers = [request.META[name] for name in names if name in request.META]
    schemes = {scheme for header in headers for scheme in _schemes(header)}
    return REDIRECT_COOKIE in request.COOKIES or not schemes.isdisjoint(HTTPS_VALUES)


def _would_be_redirected(request: HttpRequest) -> bool:
    """Whether Django would redirect the request to HTTPS, which may never end."""
    if not settings.SECURE_SSL_REDIRECT or request.is_secure():
        return False
    path = request.path.lstrip("/")
    return not any(re.search(one, path) for one in settings.SECURE_REDIRECT_EXEMPT)


def _with_redirect_cookie(response: HttpResponse) -> HttpResponse:
    response.set_cookie(
        REDIRECT_COOKIE,
        "1",
        max_age=REDIRECT_COOKIE_SECONDS,
        secure=True,
        httponly=True,
        samesite="Lax",
    )
    return response


def _schemes(header: str) -> list[str]:
    """The values of a header, one for each proxy, in lower case."""
    found = (
        FORWARDED_PROTO.search(value) or [value, value] for value in header.split(",")
    )
    return [value[1].strip().lower() for value in found]


def _unknown_prefix(request: HttpRequest, prefix: str) -> HttpResponse:
    log.warning("a server or a proxy says SCRIPT_NAME: set URL_PREFIX to it")
    return _explained(request, {"prefix": prefix})


def _unknown_proxy(request: HttpRequest) -> HttpResponse:
    log.warning(
        "a proxy speaks HTTPS and is not believed: set TRUSTED_PROXIES to its address, "
        "and PROXY_SCHEME_HEADER to the header in which it says https"
    )
    return _explained(request, {})


def _explained(request: HttpRequest, context: dict[str, str]) -> HttpResponse:
    """The page that says what to set, outside of the language middleware."""
    with translation.override(language_of(request)):
        return render(request, "errors/unknown_proxy.html", context, status=400)
