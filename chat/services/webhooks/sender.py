"""The keeper's threads that call webhooks."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet

from chat.models import WebhookDelivery
from chat.services.outgoing.delivery_threads import DeliverySender
from chat.services.webhooks.deliver import deliver


class WebhookSender(DeliverySender[WebhookDelivery]):
    """Calls webhooks, several at a time."""

    name = "webhooks"
    owner_path = "endpoint__owner_id"
    address_path = "endpoint_id"

    def __init__(self) -> None:
        super().__init__(settings.WEBHOOK_SENDERS, settings.WEBHOOK_SECONDS)

    def is_wanted(self) -> bool:
        """Whether accounts may have webhooks."""
        return bool(settings.WEBHOOKS_MAX)

    def due(self, now: datetime) -> QuerySet[WebhookDelivery] | None:
        """Deliveries of webhooks that are enabled."""
        if not WebhookDelivery.objects.may_be_due(now):
            return None
        return WebhookDelivery.objects.due(now).select_related(
            "endpoint", "reply__message__conversation", "batch"
        )

    def deliver(self, row: WebhookDelivery) -> None:
        """Call the webhook once."""
        deliver(row)
