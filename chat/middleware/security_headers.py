"""Security headers for every answer, including redirects, errors and static files."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.cache import patch_cache_control

from chatsite.security_headers import HEADERS

#: The scripts of Django's admin write HTML themselves.
WITHOUT_TRUSTED_TYPES = {"require-trusted-types-for": None, "trusted-types": None}


class SecurityHeadersMiddleware:
    """Outermost middleware, so that answers of all other middleware get the headers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request with the headers that it does not have yet."""
        response = self._get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if "Cache-Control" not in response.headers:
            # A page depends on the user's cookie: no cache may keep it for others.
            patch_cache_control(response, private=True, no_cache=True, no_store=True)
        return clear_browser_cache(response) if _ends_session(response) else response


class AdminPolicyMiddleware:
    """Middleware inside of ``CSPMiddleware``: relaxes the policy for Django's admin."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request; pages of the admin do without trusted types."""
        response = self._get_response(request)
        if request.path.startswith(reverse("admin:index")):
            response._csp_replace = WITHOUT_TRUSTED_TYPES  # type: ignore[attr-defined]
        return response


def clear_browser_cache(response: HttpResponse) -> HttpResponse:
    """Have the browser clear its cache, so that Back does not show old pages."""
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _ends_session(response: HttpResponse) -> bool:
    cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
    return cookie is not None and not cookie.value
