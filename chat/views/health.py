"""The health check of a web process; it needs neither Redis nor the database."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@require_safe
@never_cache
def health(_request: HttpRequest) -> HttpResponse:
    """Answer ``ok``."""
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")
