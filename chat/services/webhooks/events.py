"""Events: notes in the transaction that ends a reply what webhooks have to tell."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone

from chat.models import BatchLine, Reply, WebhookDelivery, WebhookEndpoint
from chat.models.webhook_endpoint import EventType
from chatsite import wire

#: Stopped replies are no event: their owner stopped them.
EVENTS = {
    wire.State.DONE: EventType.REPLY_DONE,
    wire.State.FAILED: EventType.REPLY_FAILED,
}


def record_end(reply: Reply) -> None:
    """Note the end of a reply for each webhook of its owner that wants it.

    Runs in the transaction that ends the row, so no event is lost and none is doubled.
    Costs one query for accounts and none for guests, who have no webhooks.
    """
    owner, event = reply.message.conversation.owner, EVENTS.get(wire.State(reply.state))
    if event is None or owner.is_guest or not settings.WEBHOOKS_MAX:
        return
    endpoints = WebhookEndpoint.objects.enabled().filter(owner=owner).order_by()
    wanted = [one for one in endpoints if one.wants(event, reply.key_id)]
    if not wanted or _is_of_batch(reply):
        return
    now = timezone.now()
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            endpoint=endpoint,
            event_id=f"evt_{reply.pk.hex}",
            type=event,
            reply=reply,
            next_at=now,
        )
        for endpoint in wanted
    )


def _is_of_batch(reply: Reply) -> bool:
    """Whether it answers a line of a batch, which may have thousands."""
    lines = BatchLine.objects.filter(conversation=reply.message.conversation_id)
    return reply.message.conversation.is_hidden and lines.exists()
