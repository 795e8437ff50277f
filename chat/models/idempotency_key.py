"""The request that an idempotency key belongs to, and its reply."""

from __future__ import annotations

from django.conf import settings
from django.db import models

KEY_CHARACTERS = 200


class IdempotencyKey(models.Model):
    """A used idempotency key; it is deleted with its conversation."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the index of the constraint begins with it
    )
    key = models.CharField(max_length=KEY_CHARACTERS)
    #: SHA-256 of the request; the key is valid for the same request only.
    request_digest = models.CharField(max_length=64)
    conversation = models.ForeignKey(
        "chat.Conversation", on_delete=models.CASCADE, related_name="+"
    )
    #: The id of the reply, which may be removed by now; None if there was none.
    reply = models.UUIDField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("owner", "key"), name="one_request_per_key"
            ),
        )

    def __str__(self) -> str:
        return f"key {self.pk}"
