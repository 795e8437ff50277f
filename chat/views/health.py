"""Health checks: whether a web process is alive, and whether the site is ready."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.services.readiness import problems


@require_safe
@never_cache
def live(_request: HttpRequest) -> HttpResponse:
    """Answer ``ok``, without asking Redis or the database."""
    return _response("ok")


@require_safe
@never_cache
def ready(_request: HttpRequest) -> HttpResponse:
    """Answer ``ok``, or 503 and what is missing, a line each."""
    found = problems()
    return _response("\n".join(found) or "ok", 503 if found else 200)


#: ``/healthz`` is the older name of ``/livez``.
VIEWS = {"/healthz": live, "/livez": live, "/readyz": ready}


class HealthMiddleware:
    """Middleware that answers health checks: they need nothing of what is within it.

    They are answered under any host name, because Kubernetes asks by the address of a
    pod.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a health check, or pass the request on."""
        view = VIEWS.get(request.path_info)
        return self._get_response(request) if view is None else view(request)


def _response(text: str, status: int = 200) -> HttpResponse:
    return HttpResponse(
        text,
        status=status,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Length": str(len(text))},
    )
