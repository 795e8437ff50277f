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


@register
def check_mail_links(**_: Any) -> list[CheckMessage]:
    is_host_known = settings.SITE_URL or "*" not in settings.ALLOWED_HOSTS
    if settings.HAS_MAIL and not is_host_known:
        return [
            Caution(
                "EMAIL_URL is set, but no mail is sent: its links would lead to "
                "whatever host a request names.",
                hint="Set SITE_URL, or name the site's hosts in ALLOWED_HOSTS.",
                id="chatsite.W010",
            )
        ]
    return []


@register
def check_ways_in(**_: Any) -> list[CheckMessage]:
    if not settings.GUESTS and settings.SIGNUP == "closed":
        return [
            Caution(
                "GUESTS is off and SIGNUP closed: only accounts made by "
                "`manage.py admin` and in the administration can come in.",
                hint="SIGNUP=invitation lets you invite people.",
                id="chatsite.W011",
            )
        ]
    return []
