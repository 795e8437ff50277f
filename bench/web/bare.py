"""What nothing can be faster than: a function behind gunicorn, and an empty Django."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

HEADERS = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "2")]


def function(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer ``ok``, as a WSGI application."""
    start_response("200 OK", HEADERS)
    return [b"ok"]


def _view(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


urlpatterns = [path("healthz", _view)]


def django() -> Any:
    """Return Django with this one view, and neither middleware nor applications."""
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = []
    settings.INSTALLED_APPS = []
    return get_wsgi_application()
