"""Leaves the content out of answers that have none in HTTP (RFC 9110, 6.4.1).

The server would drop it as well, but would log a warning for each.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase


class NoContentMiddleware:
    """Middleware outside of those that compress content and say its length."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; the headers are as with the content."""
        response = self._get_response(request)
        if request.method == "HEAD" or response.status_code == HTTPStatus.NOT_MODIFIED:
            if isinstance(response, StreamingHttpResponse):
                response.streaming_content = ()
            elif isinstance(response, HttpResponse):
                response.content = b""
        return response
