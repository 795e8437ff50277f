"""Events: notes in the transaction that ends something what webhooks have to tell."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.utils import timezone

from chat.models import (
    Batch,
    BatchLine,
    BatchStatus,
    Reply,
    WebhookDelivery,
    WebhookEndpoint,
)
from chat.models.sql_rows import rows
from chat.models.webhook_endpoint import EventType
from chatsite import wire

#: Stopped replies and cancelled batches are no events: their owner ended them.
EVENTS = {
    wire.State.DONE: EventType.REPLY_DONE,
    wire.State.FAILED: EventType.REPLY_FAILED,
}
ANY_WEBHOOK = "SELECT 1 FROM chat_webhookendpoint WHERE owner_id = %s LIMIT 1"
EVENTS_OF_BATCHES = {
    BatchStatus.COMPLETED: EventType.BATCH_COMPLETED,
    BatchStatus.EXPIRED: EventType.BATCH_FAILED,
    BatchStatus.FAILED: EventType.BATCH_FAILED,
}


def record_end(reply: Reply) -> None:
    """Note the end of a reply for each webhook of its owner that wants it.

    Runs in the transaction that ends the row, so no event is lost and none is doubled.
    Costs one query for accounts and none for guests, who have no webhooks.
    """
    owner, event = reply.message.conversation.owner, EVENTS.get(wire.State(reply.state))
    if event is None or owner.is_guest:
        return
    wanted = _wanting(owner.pk, event, reply.key_id)
    if wanted and not _is_of_batch(reply):
        _note(wanted, event, reply.pk, reply=reply)


def record_batch_end(batch: Batch) -> None:
    """Note the end of a batch likewise, in the transaction that ends it."""
    event = EVENTS_OF_BATCHES.get(BatchStatus(batch.status))
    if event is not None:
        wanted = _wanting(batch.owner_id, event, batch.key_id)
        _note(wanted, event, batch.pk, batch=batch)


def event_id(pk: UUID) -> str:
    """The id of an event, as receivers see it."""
    return f"evt_{pk.hex}"


def _wanting(owner: UUID, event: EventType, key: UUID | None) -> list[WebhookEndpoint]:
    """The webhooks of an owner that want this event of what ``key`` asked for."""
    if not settings.WEBHOOKS_MAX:
        return []
    if not rows(ANY_WEBHOOK, (owner,)):  # most often, and much cheaper to ask
        return []
    endpoints = WebhookEndpoint.objects.enabled().filter(owner=owner).order_by()
    return [one for one in endpoints if one.wants(event, key)]


def _note(
    endpoints: list[WebhookEndpoint],
    event: EventType,
    pk: UUID,
    *,
    reply: Reply | None = None,
    batch: Batch | None = None,
) -> None:
    """Add a delivery for each webhook; ``pk`` of what ended is the id of the event."""
    now = timezone.now()
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            endpoint=endpoint,
            event_id=event_id(pk),
            type=event,
            reply=reply,
            batch=batch,
            next_at=now,
        )
        for endpoint in endpoints
    )


def _is_of_batch(reply: Reply) -> bool:
    """Whether it answers a line of a batch, which may have thousands."""
    lines = BatchLine.objects.filter(conversation=reply.message.conversation_id)
    return reply.message.conversation.is_hidden and lines.exists()
