"""Which request an idempotency key named, and the reply that came of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

KEY_CHARACTERS = 200


class IdempotencyKey(models.Model):
    """It is removed with its conversation."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the index of the constraint begins with it
    )
    key = models.CharField(max_length=KEY_CHARACTERS)
    #: SHA-256 of what the request asked for: the key is good for the same alone.
    request_digest = models.CharField(max_length=64)
    conversation = models.ForeignKey(
        "chat.Conversation", on_delete=models.CASCADE, related_name="+"
    )
    #: The id of the reply, which may have been removed since; None where it made none.
    reply = models.UUIDField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("owner", "key"), name="one_request_per_key"
            ),
        )

    def __str__(self) -> str:
        return f"key {self.pk}"
