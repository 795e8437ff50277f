"""A delivery: one event for one webhook, and the tries to tell it."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import TypedDict

from django.db import models

from chat.models.claimed_row import ClaimedRow
from chat.models.sql_rows import rows
from chat.models.webhook_endpoint import EventType

ANY_DUE = """
SELECT 1 FROM chat_webhookdelivery WHERE state = 'waiting' AND next_at <= %s LIMIT 1
"""


class DeliveryState(StrEnum):
    """``waiting`` also while it is sent; the others are terminal, until a new try."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class Try(TypedDict):
    """One call, as it is stored."""

    #: In ISO 8601.
    at: str
    #: The HTTP status; None if there was no answer.
    status: int | None
    milliseconds: int
    #: A code of ``chat.services.outgoing.http_post.Failure``; empty after a success.
    error: str


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    """Sets of deliveries."""

    def due(self, now: datetime) -> WebhookDeliveryQuerySet:
        """Deliveries to try now, the longest due first."""
        waiting = self.filter(state=DeliveryState.WAITING, next_at__lte=now)
        is_open = {"endpoint__disabled_at": None, "endpoint__owner__is_active": True}
        return waiting.filter(**is_open).order_by("next_at")

    def may_be_due(self, now: datetime) -> bool:
        """Whether any is due if its webhook is enabled; much cheaper than ``due``."""
        return bool(rows(ANY_DUE, (now,)))


class WebhookDelivery(ClaimedRow):
    """One event for one webhook.

    What is sent is built from the reply at each try, so no text is stored twice, and
    a reply that was erased takes its deliveries along.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(
        "chat.WebhookEndpoint",
        on_delete=models.CASCADE,
        related_name="deliveries",
        db_index=False,  # the index of the constraint begins with it
    )
    #: The same at every try: by it receivers notice what they have had before.
    event_id = models.CharField(max_length=40)
    type = models.CharField(
        max_length=20, choices=[(e.value, e.name) for e in EventType]
    )
    #: What ended; both are None for a test.
    reply = models.ForeignKey(
        "chat.Reply", on_delete=models.CASCADE, null=True, related_name="+"
    )
    batch = models.ForeignKey(
        "chat.Batch", on_delete=models.CASCADE, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    state = models.CharField(
        max_length=7,
        default=DeliveryState.WAITING.value,
        choices=[(s.value, s.name) for s in DeliveryState],
    )
    #: The last tries, the newest first; each is a ``Try``.
    tries = models.JSONField(default=list)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("endpoint", "event_id"), name="one_delivery_per_event"
            ),
        )
        indexes = (
            models.Index(fields=("state", "next_at"), name="delivery_due"),
            models.Index(fields=("created_at",), name="delivery_created"),
        )

    def __str__(self) -> str:
        return f"delivery {self.pk}"

    def is_under_way(self, now: datetime) -> bool:
        """Whether it is sent now, or as soon as a keeper looks."""
        is_due = self.next_at <= now or self.attempts > len(self.tries)
        return self.state == DeliveryState.WAITING and is_due
