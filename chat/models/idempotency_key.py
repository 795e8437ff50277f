"""The request that an idempotency key belongs to, and its reply."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import connection, models

from chat.models import sql_rows

KEY_CHARACTERS = 200
INSERT = """
INSERT INTO chat_idempotencykey (owner_id, key, request_digest, conversation_id, reply)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT (owner_id, key) DO NOTHING
"""


class IdempotencyKeyQuerySet(models.QuerySet["IdempotencyKey"]):
    """Keys of all owners."""

    def add(
        self, owner: UUID, key: str, digest: str, conversation: UUID, reply: UUID
    ) -> bool:
        """Add a key with the ids that its request will make; False if it is in use.

        The rows with these ids have to be there by the end of the transaction.
        """
        values = (owner, key, digest, conversation, reply)
        with connection.cursor() as cursor:
            cursor.execute(INSERT, [sql_rows.adapted(value) for value in values])
            return bool(cursor.rowcount)


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

    objects = IdempotencyKeyQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("owner", "key"), name="one_request_per_key"
            ),
        )

    def __str__(self) -> str:
        return f"key {self.pk}"
