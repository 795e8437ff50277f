"""Names the version of this server's answers to the scripts of pages."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse

from chat.http.page_version import PAGE_VERSION, VERSION_HEADER
from chat.http.request import Request


class PageVersionMiddleware:
    """Middleware inside of django-htmx's, which tells what htmx asked for."""

    def __init__(self, get_response: Callable[[Request], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        """Answer the request; a page of another release then loads again."""
        response = self._get_response(request)
        if request.htmx:
            response.headers[VERSION_HEADER] = PAGE_VERSION
        return response
