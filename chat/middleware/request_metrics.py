"""Counts requests and their seconds by view, for ``/metrics``."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from chat.services.metrics.requests import count_request

#: Answered before a view is looked up: probes and scrapes are not counted.
UNCOUNTED = ("/healthz", "/livez", "/metrics", "/readyz")


class RequestMetricsMiddleware:
    """The outermost middleware, so that refused requests count as well."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request and count it, unless it is a probe."""
        began = time.perf_counter()
        response = self._get_response(request)
        if request.path_info not in UNCOUNTED:
            seconds = time.perf_counter() - began
            view = _view_name(request)
            count_request(view, request.method, response.status_code, seconds)
        return response


def _view_name(request: HttpRequest) -> str:
    """The name of the view; a few words for what middleware answers."""
    match = request.resolver_match
    if match is not None:
        return match.view_name or "unnamed"
    # The quiet poll, which no view sees.
    if request.path_info == "/poll/":
        return "poll"
    return "static" if request.path.startswith(settings.STATIC_URL) else "none"
