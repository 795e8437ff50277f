"""Takes the cookies from calls with an API key: they say nothing of who calls."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from chat.http.bearer import bearer_secret

#: No call below reads or sets a cookie, whatever it sends.
WITHOUT_COOKIES = "/v1/"
#: Calls below have cookies, or a key in their place.
WITH_EITHER = "/api/"


class ApiKeyMiddleware:
    """Middleware outside of all that reads a session or the cookie of a guest.

    The views check the key.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        if _is_without_cookies(request):
            request.META.pop("HTTP_COOKIE", None)
            request.COOKIES = {}
        return self._get_response(request)


def _is_without_cookies(request: HttpRequest) -> bool:
    path = request.path_info
    has_key = path.startswith(WITH_EITHER) and bearer_secret(request) is not None
    return has_key or path.startswith(WITHOUT_COOKIES)
