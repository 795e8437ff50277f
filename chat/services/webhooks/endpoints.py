"""What owners do with their webhooks: make, switch, try, and read their log."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from chat.models import User, WebhookDelivery, WebhookEndpoint
from chat.models.webhook_delivery import DeliveryState
from chat.models.webhook_endpoint import DisabledReason, EventType
from chat.services.advisory_lock import advisory_lock
from chat.services.webhooks.events import event_id
from chat.services.webhooks.signature import new_secret

#: How long the secret before the last change also signs.
OLD_SECRET_HOURS = 24
DELIVERIES_PER_BATCH = 500
SECRET_FIELDS = ("secret", "old_secret", "old_secret_until", "used_keys")


class TooManyWebhooks(Exception):
    """The account has ``WEBHOOKS_MAX`` webhooks."""


@transaction.atomic
def make_endpoint(owner: User, **fields: Any) -> WebhookEndpoint:
    """Make a webhook with a new secret.

    Raises ``TooManyWebhooks``, and ``IntegrityError`` if its ``id`` was used before.
    """
    advisory_lock([f"webhooks:{owner.pk}"])
    if not has_room(owner):
        raise TooManyWebhooks
    return WebhookEndpoint.objects.create(owner=owner, secret=new_secret(), **fields)


def has_room(owner: User) -> bool:
    """Whether the account may have another webhook."""
    return WebhookEndpoint.objects.filter(owner=owner).count() < settings.WEBHOOKS_MAX


def disable(endpoint: WebhookEndpoint, reason: DisabledReason) -> bool:
    """Call it no longer; False if it was disabled before.

    Deliveries that wait go on waiting until it is enabled again.
    """
    found = WebhookEndpoint.objects.filter(pk=endpoint.pk, disabled_at=None)
    return bool(found.update(disabled_at=timezone.now(), disabled_reason=reason))


def enable(endpoint: WebhookEndpoint) -> None:
    """Call it again, also for what waited meanwhile."""
    found = WebhookEndpoint.objects.filter(pk=endpoint.pk)
    found.update(disabled_at=None, disabled_reason="")


@transaction.atomic
def rotate_secret(endpoint: WebhookEndpoint, key: str | None = None) -> str:
    """Give it a new secret and return it; the old one also signs for a day.

    A request that is repeated with its idempotency key changes nothing, and returns the
    present secret, also if other requests have changed it since.
    """
    locked = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    is_new = key is None or locked.use_key(key)
    if is_new:
        locked.old_secret, locked.secret = locked.secret, new_secret()
        locked.old_secret_until = timezone.now() + timedelta(hours=OLD_SECRET_HOURS)
        locked.save(update_fields=SECRET_FIELDS)
    for name in SECRET_FIELDS:
        setattr(endpoint, name, getattr(locked, name))
    return endpoint.secret


def send_test(endpoint: WebhookEndpoint) -> bool:
    """Send a test event; False if one waits already."""
    waiting = endpoint.deliveries.filter(
        type=EventType.TEST, state=DeliveryState.WAITING
    )
    if waiting.exists():
        return False
    WebhookDelivery.objects.create(
        endpoint=endpoint,
        event_id=event_id(uuid.uuid4()),
        type=EventType.TEST,
        next_at=timezone.now(),
    )
    return True


def retry_now(delivery: WebhookDelivery) -> None:
    """Try a delivery that waits or failed at once, besides its schedule."""
    unsent = WebhookDelivery.objects.filter(pk=delivery.pk)
    unsent.exclude(state=DeliveryState.DONE).update(
        state=DeliveryState.WAITING, next_at=timezone.now()
    )


def purge_log() -> None:
    """Remove a batch of deliveries that are older than ``WEBHOOK_LOG_DAYS``."""
    before = timezone.now() - timedelta(days=settings.WEBHOOK_LOG_DAYS)
    old = WebhookDelivery.objects.filter(created_at__lt=before).order_by("created_at")
    pks = list(old.values_list("pk", flat=True)[:DELIVERIES_PER_BATCH])
    if pks:
        WebhookDelivery.objects.filter(pk__in=pks).delete()
