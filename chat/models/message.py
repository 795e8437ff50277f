"""A message of a conversation: a node of its tree."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from chatsite import wire


class Message(models.Model):
    """A user's message or a reply; a reply has a ``Reply`` row as well."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        "chat.Conversation",
        on_delete=models.CASCADE,
        related_name="messages",
        db_index=False,  # the index message_place begins with it
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="messages"
    )
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, related_name="children"
    )
    role = models.CharField(
        max_length=9, choices=[(role.value, role.name) for role in wire.Role]
    )
    text = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("created_at",)
        indexes = (
            models.Index(fields=("conversation", "parent"), name="message_place"),
        )

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"

    @property
    def is_from_user(self) -> bool:
        """Whether a user wrote it, and not a model."""
        return self.role == wire.Role.USER
