"""Security headers for every answer, including redirects, errors and static files."""

from __future__ import annotations

from collections.abc import Callable

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.contrib.messages.middleware import MessageMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, ResponseHeaders
from django.utils.cache import patch_cache_control

from chatsite.security_headers import HEADERS

ADMIN_PATH = "/admin/"
#: As Django keeps headers: by name in lower case.
USUAL_HEADERS = ResponseHeaders(HEADERS)._store
#: The scripts of Django's admin write HTML themselves.
WITHOUT_TRUSTED_TYPES = {"require-trusted-types-for": None, "trusted-types": None}


class SecurityHeadersMiddleware:
    """Outermost middleware, so that answers of all other middleware get the headers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request with the headers that it does not have yet."""
        response = self._get_response(request)
        # Django would look up and encode each of them for each answer.
        stored = response.headers._store
        response.headers._store = USUAL_HEADERS | stored
        if "Cache-Control" not in response.headers:
            # A page depends on the user's cookie: no cache may keep it for others.
            patch_cache_control(response, private=True, no_cache=True, no_store=True)
        return clear_browser_cache(response) if _ends_session(response) else response


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """django-csp's middleware, which builds the usual policy once."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(get_response)
        self._usual_policy = build_policy()

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Set the usual policy, or the one that a view has chosen."""
        if any(name.startswith("_csp_") for name in vars(response)):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, self._usual_policy)
        return response


class AdminPolicyMiddleware:
    """Middleware inside of the policy's: relaxes the policy for Django's admin."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request; pages of the admin do without trusted types."""
        response = self._get_response(request)
        if is_admin(request):
            response._csp_replace = WITHOUT_TRUSTED_TYPES  # type: ignore[attr-defined]
        return response


class AdminMessageMiddleware(MessageMiddleware):
    """Django's middleware for messages, which only the admin uses."""

    def process_request(self, request: HttpRequest) -> None:
        """Give a request of the admin its messages."""
        if is_admin(request):
            super().process_request(request)


def is_admin(request: HttpRequest) -> bool:
    """Whether the request is one of Django's admin."""
    return request.path_info.startswith(ADMIN_PATH)


def clear_browser_cache(response: HttpResponse) -> HttpResponse:
    """Have the browser clear its cache, so that Back does not show old pages."""
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _ends_session(response: HttpResponse) -> bool:
    cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
    return cookie is not None and not cookie.value
