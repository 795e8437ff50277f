"""A passage: what search looks through, one for each text and each title."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class Passage(models.Model):
    """Triggers of the database write it, and nothing else does
    (``chat/migrations/0010_folded_words.py``): no code that saves a message or a title
    can forget it. A greater id is newer.
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
    #: None: the conversation's title.
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
        return self.message_id is None
