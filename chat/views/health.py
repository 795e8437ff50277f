"""The health check of a web process; it needs neither Redis nor the database."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

PATH = "/healthz"


@require_safe
@never_cache
def health(_request: HttpRequest) -> HttpResponse:
    """Answer ``ok``."""
    text = "ok"
    return HttpResponse(
        text,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Length": str(len(text))},
    )


class HealthMiddleware:
    """Middleware that answers health checks: they need nothing of what is within it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a health check, or pass the request on."""
        if request.path_info != PATH:
            return self._get_response(request)
        request.get_host()  # refuses hosts that are not the site's
        return health(request)
