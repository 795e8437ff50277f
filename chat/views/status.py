"""The public page on how long the lines are."""

from __future__ import annotations

from typing import TypedDict

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.services.jobs.workers import ModelStatus, site_model_statuses


class StatusContext(TypedDict):
    """For ``status/status.html``."""

    model_statuses: list[ModelStatus]


@require_safe
@never_cache
def status(request: HttpRequest) -> HttpResponse:
    """Show for each model how many wait, and how long a new message would."""
    if not settings.PUBLIC_STATUS:
        raise Http404
    context: StatusContext = {
        "model_statuses": site_model_statuses(),
    }
    return render(request, "status/status.html", context)
