"""The headers of every answer, also of redirects, errors and static files."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.cache import patch_cache_control

from chatsite.security_headers import HEADERS

#: The scripts of Django's admin write HTML by themselves.
WITHOUT_TRUSTED_TYPES = {"require-trusted-types-for": None, "trusted-types": None}


class Headers:
    """Middleware around all others: what is refused before a view passes it too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if "Cache-Control" not in response.headers:
            # Whose page it is depends on the cookie: nobody may keep it for others.
            patch_cache_control(response, private=True, no_cache=True, no_store=True)
        return leaving_nothing(response) if _ends_session(response) else response


class AdminPolicy:
    """Middleware inside the policy's own: what the admin cannot do without."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if request.path.startswith(reverse("admin:index")):
            response._csp_replace = WITHOUT_TRUSTED_TYPES  # type: ignore[attr-defined]
        return response


def leaving_nothing(response: HttpResponse) -> HttpResponse:
    """Or the Back button would still show what was read before."""
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _ends_session(response: HttpResponse) -> bool:
    cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
    return cookie is not None and not cookie.value
