"""A conversation whose title a model is to find."""

from __future__ import annotations

from django.db import models


class TitleJob(models.Model):
    """Exists from the end of the first reply until the title is there or given up."""

    conversation = models.OneToOneField(
        "chat.Conversation",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="title_job",
    )
    #: The hidden conversation whose only reply is the title; None until it is asked.
    asked_in = models.ForeignKey(
        "chat.Conversation", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"title of {self.conversation_id}"
