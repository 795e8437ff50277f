"""One try of a delivery: claim, send, and note how it went."""

from __future__ import annotations

import logging
import random
import time
from contextlib import nullcontext
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from chat.models import WebhookDelivery, WebhookEndpoint
from chat.models.webhook_delivery import DeliveryState, Try
from chat.models.webhook_endpoint import DisabledReason
from chat.services.outgoing.http_post import Failure, Outcome, post
from chat.services.webhooks.endpoints import disable
from chat.services.webhooks.payload import body_of
from chat.services.webhooks.schedule import delay_after
from chat.services.webhooks.signature import signed_headers

log = logging.getLogger(__name__)

GONE = 410
TRIES_KEPT = 20
USER_AGENT = "chatsite-webhooks"


def deliver(delivery: WebhookDelivery) -> None:
    """Try a claimed delivery once, and note the outcome.

    If the process dies in between, the delivery is tried again when its lease ends:
    receivers get every event at least once.
    """
    with delivery.reply.logged() if delivery.reply else nullcontext():
        _deliver(delivery)


def _deliver(delivery: WebhookDelivery) -> None:
    begin, now = time.monotonic(), timezone.now()
    try:
        outcome = _send(delivery, now)
    except Exception:
        log.exception("%s failed", delivery)
        outcome = Outcome(failure=Failure.INTERNAL)
    milliseconds = round(1000 * (time.monotonic() - begin))
    made: Try = {
        "at": now.isoformat(timespec="seconds"),
        "status": outcome.status,
        "milliseconds": milliseconds,
        "error": outcome.failure or "",
    }
    how = outcome.failure or "delivered"
    log.info("%s, try %d: %s (%s)", delivery, delivery.attempts, how, outcome.status)
    with transaction.atomic():
        _note(delivery, outcome, made)


def _send(delivery: WebhookDelivery, now: datetime) -> Outcome:
    reply, endpoint = delivery.reply, delivery.endpoint
    if reply is not None and reply.message.conversation.deleted_at is not None:
        return Outcome(failure=Failure.DELETED)
    body, secrets = body_of(delivery), endpoint.secrets(now)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        **signed_headers(delivery.event_id, int(now.timestamp()), body, secrets),
    }
    return post(endpoint.url, body, headers)


def _note(delivery: WebhookDelivery, outcome: Outcome, made: Try) -> None:
    """Note one try, and decide whether there is another."""
    delay = delay_after(delivery.attempts, random.random())
    fields: dict[str, Any] = {"tries": [made, *delivery.tries][:TRIES_KEPT]}
    if outcome.failure is None:
        fields["state"] = DeliveryState.DONE
    elif outcome.failure is Failure.DELETED or delay is None:
        fields["state"] = DeliveryState.FAILED
    else:
        fields["next_at"] = timezone.now() + delay
    if delivery.unless_taken().update(**fields):
        _note_endpoint(delivery, outcome, is_last=delay is None)


def _note_endpoint(
    delivery: WebhookDelivery, outcome: Outcome, *, is_last: bool
) -> None:
    endpoint = delivery.endpoint
    if outcome.failure is None:
        found = WebhookEndpoint.objects.filter(pk=endpoint.pk)
        found.update(last_success_at=timezone.now())
    elif outcome.status == GONE:
        disable(endpoint, DisabledReason.GONE)
    elif is_last and outcome.failure is not Failure.DELETED:
        endpoint.refresh_from_db(fields=["last_success_at"])
        last = endpoint.last_success_at
        if last is None or last < delivery.created_at:
            disable(endpoint, DisabledReason.FAILING)
