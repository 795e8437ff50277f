"""Histories as the tests need them: many conversations, at known times."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from chat.models import Conversation, User


def make(
    owner: User, count: int, *, newest: datetime | None = None, hours: float = 1
) -> list[Conversation]:
    """The newest first, so many hours apart."""
    newest = newest or timezone.now()
    made = Conversation.objects.bulk_create(
        Conversation(owner=owner, title=f"Talk {number}") for number in range(count)
    )
    for number, conversation in enumerate(made):
        conversation.updated_at = newest - timedelta(hours=hours * number)
    Conversation.objects.bulk_update(made, ["updated_at"])
    return made


def move(conversation: Conversation, when: datetime) -> None:
    """Where it stands in the history."""
    Conversation.objects.filter(pk=conversation.pk).update(updated_at=when)
    conversation.updated_at = when
