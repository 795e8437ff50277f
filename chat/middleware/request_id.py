"""Gives each request an id, which its answer, its log lines and its replies carry."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from chat.accounts.client_network import is_from_trusted_proxy
from chatsite.request_context import (
    ENVIRON,
    new_request_id,
    on_behalf_of,
    safe_id,
    safe_traceparent,
)
from chatsite.tracing import span

HEADER = "X-Request-ID"


class RequestIdMiddleware:
    """The outermost middleware, so that every answer and line has the id.

    A trusted proxy may name it in ``X-Request-ID``. Anyone else could write into the
    log, or give the requests of two people one id.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request with its id."""
        request_id = _given(request) or request.META.get(ENVIRON) or new_request_id()
        request.META[ENVIRON] = request_id
        with (
            span("request", _parent(request), method=str(request.method)) as position,
            on_behalf_of(request_id, traceparent=position),
        ):
            response = self._get_response(request)
        response[HEADER] = request_id
        return response


def _given(request: HttpRequest) -> str:
    given = safe_id(request.META.get("HTTP_X_REQUEST_ID", ""))
    return given if given and is_from_trusted_proxy(request) else ""


def _parent(request: HttpRequest) -> str:
    """The span of a trusted proxy that this request is a part of."""
    given = safe_traceparent(request.META.get("HTTP_TRACEPARENT", ""))
    return given if given and is_from_trusted_proxy(request) else ""
