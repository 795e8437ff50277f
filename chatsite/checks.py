"""System checks: settings that contradict each other, with a remedy for each."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as Caution

from chatsite.catalog import CatalogError
from chatsite.model_choice import current_catalog, model_entry


@register
def check_model(**_: Any) -> list[CheckMessage]:
    """Check that the chosen model is in the catalogue."""
    try:
        model_entry()
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
def check_presets(**_: Any) -> list[CheckMessage]:
    """Check that people could have written the presets of the catalogue."""
    try:
        presets = current_catalog().presets.values()
    except CatalogError:
        return []  # told by the check of the model
    longest = settings.INSTRUCTIONS_MAX_CHARACTERS
    return [
        Error(
            f"The instructions of the preset {preset.name} in the catalogue have more "
            "characters than INSTRUCTIONS_MAX_CHARACTERS.",
            hint="Shorten them or raise INSTRUCTIONS_MAX_CHARACTERS.",
            id="chatsite.E003",
        )
        for preset in presets
        if len(preset.instructions) > longest
    ]


@register
def check_lease(**_: Any) -> list[CheckMessage]:
    """Check that a lease is long enough for a worker to renew it."""
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
def check_proxies(**_: Any) -> list[CheckMessage]:
    """Check that the proxy is trusted if settings show that there is one.

    Only a proxy speaks HTTPS for this site. If it is not trusted, all guests have its
    address. A server that listens on a network address need not have a proxy.
    """
    has_https = any(o.startswith("https") for o in settings.CSRF_TRUSTED_ORIGINS)
    proxies = settings.TRUSTED_PROXIES
    is_trusting = proxies.networks or proxies.is_unix_trusted
    if (settings.HTTPS_ONLY or has_https) and not is_trusting:
        return [
            Caution(
                "HTTPS_ONLY, SITE_URL or CSRF_TRUSTED_ORIGINS show that there is a "
                "proxy, but TRUSTED_PROXIES is empty: all guests count as one network.",
                hint="Set TRUSTED_PROXIES to the proxy's address, such as 127.0.0.1.",
                id="chatsite.W020",
            )
        ]
    return []


@register
def check_limits(**_: Any) -> list[CheckMessage]:
    """Check that no guest's limit is above the one of their network."""
    kinds = (
        "MESSAGES_PER_MINUTE",
        "MESSAGES_PER_DAY",
        "REPLIES_WAITING",
        "TOKENS_PER_DAY",
        "COPIED_MESSAGES_PER_DAY",
    )
    found: list[CheckMessage] = []
    for kind in kinds:
        of_guest = getattr(settings, f"GUEST_{kind}")
        of_network = getattr(settings, f"NETWORK_{kind}")
        if of_network is not None and (of_guest is None or of_guest > of_network):
            found.append(
                Caution(
                    f"GUEST_{kind} is above NETWORK_{kind}: no guest reaches it.",
                    hint=f"Raise NETWORK_{kind} or lower GUEST_{kind}.",
                    id="chatsite.W021",
                )
            )
    return found


@register
def check_request_size(**_: Any) -> list[CheckMessage]:
    """Check that a request has room for the longest message."""
    if settings.REQUEST_MAX_CHARACTERS < settings.MESSAGE_MAX_CHARACTERS:
        return [
            Caution(
                "REQUEST_MAX_CHARACTERS is below MESSAGE_MAX_CHARACTERS: the longest "
                "messages reach the model without any history.",
                hint="Raise REQUEST_MAX_CHARACTERS.",
                id="chatsite.W001",
            )
        ]
    return []


@register
def check_mail_links(**_: Any) -> list[CheckMessage]:
    """Check that links in mail have an address to lead to."""
    if settings.HAS_MAIL and not settings.SITE_URL:
        return [
            Caution(
                "EMAIL_URL is set, but no mail is sent: its links would lead to "
                "any host that a request names.",
                hint="Set SITE_URL to the address of the site.",
                id="chatsite.W010",
            )
        ]
    return []


@register
def check_push(**_: Any) -> list[CheckMessage]:
    """Check that push services can reach the operator."""
    if settings.VAPID_PRIVATE_KEY and not settings.VAPID_CONTACT:
        return [
            Caution(
                "VAPID_PRIVATE_KEY is set, but there is no Web Push: push services "
                "refuse sites that name no contact.",
                hint="Set VAPID_CONTACT, such as mailto:admin@example.org.",
                id="chatsite.W012",
            )
        ]
    return []


@register
def check_ways_in(**_: Any) -> list[CheckMessage]:
    """Check that people can enter the site."""
    if not settings.GUESTS and settings.SIGNUP == "closed":
        return [
            Caution(
                "GUESTS is off and SIGNUP is closed: only accounts made by "
                "`manage.py admin` or in the admin can log in.",
                hint="Set SIGNUP=invitation to invite people.",
                id="chatsite.W011",
            )
        ]
    return []
