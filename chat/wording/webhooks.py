"""Sentences about webhooks: events, how calls went, and why one is disabled."""

from __future__ import annotations

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.models import WebhookDelivery
from chat.models.webhook_delivery import DeliveryState, Try
from chat.models.webhook_endpoint import DisabledReason, EventType
from chat.wording.replies import duration

EVENTS: dict[str, str | Promise] = {
    EventType.REPLY_DONE: gettext_lazy("A reply is done"),
    EventType.REPLY_FAILED: gettext_lazy("A reply failed"),
    EventType.BATCH_COMPLETED: gettext_lazy("A batch is completed"),
    EventType.BATCH_FAILED: gettext_lazy("A batch failed or expired"),
    EventType.TEST: gettext_lazy("Test"),
}
#: Why a call failed and what helps, by the codes that are stored.
FAILURES: dict[str, str | Promise] = {
    "no_host": gettext_lazy("There is no host with this name."),
    "private_address": gettext_lazy(
        "The host has no public address, and this site calls no others."
    ),
    "port": gettext_lazy("This site does not call this port."),
    "needs_https": gettext_lazy("This site calls this address only by HTTPS."),
    "no_connection": gettext_lazy("Nothing accepts connections at this address."),
    "tls": gettext_lazy("The certificate of the host is not valid for its name."),
    "too_slow": gettext_lazy("It took too long. Answer first, and work afterwards."),
    "broken": gettext_lazy("The connection broke before there was an answer."),
    "redirect": gettext_lazy(
        "It redirects, which is not followed. Enter the address that it leads to."
    ),
    "status": gettext_lazy("It refused the call."),
    "internal": gettext_lazy("Something went wrong on this site."),
    "deleted": gettext_lazy("The conversation was deleted, so nothing was sent."),
}
DISABLED: dict[str, str | Promise] = {
    DisabledReason.OWNER: gettext_lazy("Switched off."),
    DisabledReason.ADMIN: gettext_lazy("Switched off by the site admin."),
    DisabledReason.GONE: gettext_lazy(
        "Switched off, because the address answered that it is gone (410)."
    ),
    DisabledReason.FAILING: gettext_lazy(
        "Switched off, because all calls failed for three days."
    ),
}


def event_label(event: str) -> str:
    """The name of an event for people."""
    return str(EVENTS.get(event, event))


def disabled_text(reason: str) -> str:
    """Why a webhook is no longer called."""
    return str(DISABLED.get(reason, DISABLED[DisabledReason.OWNER]))


def delivery_text(delivery: WebhookDelivery) -> str:
    """How far a delivery has come."""
    now = timezone.now()
    match delivery.state:
        case DeliveryState.DONE:
            return _("Delivered")
        case DeliveryState.FAILED:
            return _("Not delivered")
    if delivery.is_under_way(now):
        return _("On its way")
    left = duration((delivery.next_at - now).total_seconds())
    return _("Next try in %(duration)s") % {"duration": left}


def try_text(made: Try) -> str:
    """How one call went: ``204 · 35 ms``, or why it failed."""
    parts = [str(made["status"])] if made["status"] else []
    parts.append(_("%(count)s ms") % {"count": made["milliseconds"]})
    facts = " · ".join(parts)
    if not made["error"]:
        return facts
    return f"{FAILURES.get(made['error'], FAILURES['internal'])} ({facts})"
