"""The API call on how long the lines are."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router

from chat.api.access import Access
from chat.api.answers import answer
from chat.api.schemas import ModelStatusData, SiteStatusData, WaitData
from chat.http.api_errors import NOT_FOUND
from chat.services.jobs.workers import ModelStatus, site_model_statuses

router = Router(tags=["Limits"])


@router.get("/status", auth=Access(), response=SiteStatusData)
def status(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - django-ninja passes it
    """Tell for each model how many messages wait, and how long a new one would.

    Nothing of a user is told. Sites may switch this off; the answer is then 404.
    """
    if not settings.PUBLIC_STATUS:
        raise NOT_FOUND
    return answer(SiteStatusData(models=[_model(one) for one in site_model_statuses()]))


def _model(status: ModelStatus) -> ModelStatusData:
    wait = status.wait
    return ModelStatusData(
        name=status.entry.name,
        label=status.entry.label,
        is_default=status.is_default,
        is_paused=status.is_paused,
        workers=status.ready,
        waiting=status.waiting if status.is_known else None,
        expected_wait=None
        if wait is None
        else WaitData(low=round(wait.low, 1), high=round(wait.high, 1)),
    )
