"""What calls for webhooks take and return, as the document describes it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from pydantic import BaseModel, Field

from chat.api.bodies import Body
from chat.api.serializers import absolute_url
from chat.models import WebhookDelivery, WebhookEndpoint
from chat.models.webhook_delivery import DeliveryState
from chat.models.webhook_endpoint import CHOSEN_EVENTS, DisabledReason, EventType


class WebhookBody(Body):
    """What an owner chooses of a webhook."""

    address: str = Field(description="What is called, such as https://example.org/.")
    description: str = ""
    events: list[EventType] = Field(default=list(CHOSEN_EVENTS), min_length=1)
    api_key: UUID | None = Field(
        default=None, description="Tell only what this key asked for."
    )


class WebhookData(BaseModel):
    """A webhook, without its secret."""

    id: UUID
    url: str
    deliveries_url: str
    address: str = Field(description="What is called.")
    description: str
    events: list[EventType]
    api_key: UUID | None = Field(
        description="If set, only what this key asked for is told."
    )
    is_enabled: bool
    disabled_reason: DisabledReason | None
    created: datetime
    last_success: datetime | None


class MadeWebhookData(WebhookData):
    """A webhook with its secret, which signs each call."""

    secret: str


class WebhookList(BaseModel):
    """The webhooks of an account, newest first."""

    webhooks: list[WebhookData]


class DeletedWebhookData(BaseModel):
    """A webhook that was deleted."""

    id: UUID
    deleted: bool


class TryData(BaseModel):
    """One call of the address."""

    at: datetime
    status: int | None = Field(description="The HTTP status; null without an answer.")
    milliseconds: int
    error: str = Field(description="Why it failed; empty after a success.")


class DeliveryData(BaseModel):
    """One event for a webhook, and the last tries to tell it."""

    id: UUID
    event: str = Field(description="The header webhook-id, the same at every try.")
    type: EventType
    reply: UUID | None
    batch: UUID | None
    state: DeliveryState
    created: datetime
    next_try: datetime | None = Field(description="Null once it is over.")
    tries: list[TryData]


class DeliveryList(BaseModel):
    """The last deliveries of a webhook, newest first."""

    deliveries: list[DeliveryData]


def serialize_webhook(request: HttpRequest, endpoint: WebhookEndpoint) -> WebhookData:
    """Return a webhook."""
    url = absolute_url(request, "webhook", endpoint.pk)
    reason = endpoint.disabled_reason
    return WebhookData(
        id=endpoint.pk,
        url=url,
        deliveries_url=f"{url}/deliveries",
        address=endpoint.url,
        description=endpoint.description,
        events=[EventType(event) for event in endpoint.events],
        api_key=endpoint.api_key_id,
        is_enabled=endpoint.is_enabled,
        disabled_reason=DisabledReason(reason) if reason else None,
        created=endpoint.created_at,
        last_success=endpoint.last_success_at,
    )


def serialize_delivery(delivery: WebhookDelivery) -> DeliveryData:
    """Return a delivery with its last tries."""
    state = DeliveryState(delivery.state)
    return DeliveryData(
        id=delivery.pk,
        event=delivery.event_id,
        type=EventType(delivery.type),
        reply=delivery.reply_id,
        batch=delivery.batch_id,
        state=state,
        created=delivery.created_at,
        next_try=delivery.next_at if state is DeliveryState.WAITING else None,
        tries=[TryData.model_validate(dict(one)) for one in delivery.tries],
    )
