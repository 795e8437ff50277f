"""A webhook: an address that is called when replies and batches of its owner end."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.db import models

#: ``whsec_`` and 32 bytes in base64.
SECRET_CHARACTERS = 60
URL_CHARACTERS = 500
USED_KEYS_MAX = 100


class EventType(StrEnum):
    """What a webhook tells, by the names that receivers see."""

    REPLY_DONE = "reply.done"
    REPLY_FAILED = "reply.failed"
    BATCH_COMPLETED = "batch.completed"
    BATCH_FAILED = "batch.failed"
    #: Sent when its owner asks for it, to try the webhook.
    TEST = "webhook.test"


#: The events that an owner chooses from.
CHOSEN_EVENTS = tuple(event for event in EventType if event != EventType.TEST)


class DisabledReason(StrEnum):
    """Why a webhook is no longer called."""

    OWNER = "owner"
    ADMIN = "admin"
    #: Its address answered 410.
    GONE = "gone"
    #: All tries of a delivery failed, and nothing else was delivered meanwhile.
    FAILING = "failing"


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    """Sets of webhooks."""

    def enabled(self) -> WebhookEndpointQuerySet:
        """Webhooks that are called, of accounts that may be used."""
        return self.filter(disabled_at=None, owner__is_active=True)


class WebhookEndpoint(models.Model):
    """A webhook of an account.

    The secret is stored as it is, because each call is signed with it. It opens nothing
    here: it only proves to the receiver that this site made the call.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhooks"
    )
    url = models.CharField(max_length=URL_CHARACTERS)
    description = models.CharField(max_length=60, blank=True)
    #: Names of ``EventType``.
    events = models.JSONField(default=list)
    #: If set, only replies and batches are told that this key asked for.
    api_key = models.ForeignKey(
        "chat.ApiKey",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="webhooks",
    )
    secret = models.CharField(max_length=SECRET_CHARACTERS)
    #: The secret before the last change, which also signs until this time.
    old_secret = models.CharField(max_length=SECRET_CHARACTERS, blank=True)
    old_secret_until = models.DateTimeField(null=True, blank=True)
    #: Digests of the idempotency keys with which the secret was changed, the last ones.
    used_keys = models.TextField(blank=True, default="", db_default="")

    created_at = models.DateTimeField(auto_now_add=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(
        max_length=10, blank=True, choices=[(r.value, r.name) for r in DisabledReason]
    )

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"webhook {self.pk}"

    @property
    def is_enabled(self) -> bool:
        """Whether it is called."""
        return self.disabled_at is None

    def use_key(self, key: str) -> bool:
        """Note an idempotency key of a change of the secret; False if it was used."""
        digest = sha256(key.encode()).hexdigest()
        used = self.used_keys.split()
        if digest in used:
            return False
        self.used_keys = " ".join([*used, digest][-USED_KEYS_MAX:])
        return True

    def wants(self, event: EventType, key: UUID | None) -> bool:
        """Whether its owner chose this event of what ``key`` asked for."""
        return event in self.events and self.api_key_id in (None, key)

    def secrets(self, now: datetime) -> list[str]:
        """The secrets that sign a call, the current one first."""
        is_old_valid = self.old_secret_until is not None and now < self.old_secret_until
        return [self.secret, *([self.old_secret] if is_old_valid else [])]
