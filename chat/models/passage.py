"""A passage: one searchable text, of a message or of a title."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class Passage(models.Model):
    """One searchable text. A greater id is newer.

    Only triggers of the database write it (``chat/migrations/_search_shown.py``),
    so no code that saves a message or a title can forget it.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
    )
    conversation = models.ForeignKey(
        "chat.Conversation", on_delete=models.CASCADE, related_name="+"
    )
    #: None for the title of the conversation.
    message = models.OneToOneField(
        "chat.Message", on_delete=models.CASCADE, null=True, related_name="+"
    )
    #: The tokens of the text (``chatsite/search/tokens.py``), separated by spaces.
    words = models.TextField()

    class Meta:
        indexes = (models.Index(fields=("owner", "-id"), name="passage_newest"),)
        constraints = (
            models.UniqueConstraint(
                fields=("conversation",),
                condition=Q(message=None),
                name="one_title_per_conversation",
            ),
        )

    def __str__(self) -> str:
        return f"passage {self.pk}"

    @property
    def is_title(self) -> bool:
        """Whether it is the title of a conversation."""
        return self.message_id is None
