"""System checks: settings that clash, each with what to do."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as Caution

from chatsite.catalog import CatalogError
from chatsite.choice import offered


@register
def check_model(**_: Any) -> list[CheckMessage]:
    try:
        offered()
    except CatalogError as error:
        return [
            Error(
                str(error),
                hint="Set CHAT_MODEL to a name of the catalogue or to a folder.",
                id="chatsite.E001",
            )
        ]
    return []


@register
def check_lease(**_: Any) -> list[CheckMessage]:
    if settings.LEASE_SECONDS < 4 * settings.WORKER_FLUSH_SECONDS:
        return [
            Error(
                "LEASE_SECONDS is shorter than four flushes of a worker.",
                hint="Raise LEASE_SECONDS or lower WORKER_FLUSH_SECONDS.",
                id="chatsite.E002",
            )
        ]
    return []


@register
def check_request_size(**_: Any) -> list[CheckMessage]:
    if settings.REQUEST_MAX_CHARACTERS < settings.PROMPT_MAX_CHARACTERS:
        return [
            Caution(
                "REQUEST_MAX_CHARACTERS is below PROMPT_MAX_CHARACTERS: the longest "
                "prompts reach the model without any history.",
                hint="Raise REQUEST_MAX_CHARACTERS.",
                id="chatsite.W001",
            )
        ]
    return []
