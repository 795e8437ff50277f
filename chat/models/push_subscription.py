"""A push subscription: a browser that shows notices while no page is open."""

from __future__ import annotations

import logging
import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

log = logging.getLogger(__name__)

ENDPOINT_CHARACTERS = 1000
#: An uncompressed point of P-256, and 16 bytes, both in base64url.
P256DH_CHARACTERS = 87
AUTH_CHARACTERS = 22
#: A subscription is given up after so many refusals in a row.
FAILURES_MAX = 10


class PushSubscription(models.Model):
    """The address that a browser's push service gave it, and the keys of the browser.

    It belongs to a session, so a browser that logs out gets no more notices.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="push_subscriptions",
    )
    session = models.ForeignKey(
        "chat.Session", on_delete=models.CASCADE, related_name="push_subscriptions"
    )
    #: A secret: anyone who knows it can send the browser empty messages.
    endpoint = models.CharField(max_length=ENDPOINT_CHARACTERS, unique=True)
    #: What encrypts messages for this browser alone (RFC 8291).
    p256dh = models.CharField(max_length=P256DH_CHARACTERS)
    auth = models.CharField(max_length=AUTH_CHARACTERS)
    #: The code of the language of its notices.
    language = models.CharField(max_length=10)
    created_at = models.DateTimeField(auto_now_add=True)
    last_success_at = models.DateTimeField(null=True)
    #: Notices in a row that the push service refused.
    failures = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"push subscription {self.pk}"

    def note_success(self) -> None:
        """Note that the push service took a notice."""
        mine = PushSubscription.objects.filter(pk=self.pk)
        mine.update(last_success_at=timezone.now(), failures=0)

    def note_refusal(self) -> None:
        """Count a refusal; after many in a row the row is deleted."""
        mine = PushSubscription.objects.filter(pk=self.pk)
        mine.update(failures=models.F("failures") + 1)
        if mine.filter(failures__gte=FAILURES_MAX).delete()[0]:
            log.warning("%s was refused too often and is deleted", self)
