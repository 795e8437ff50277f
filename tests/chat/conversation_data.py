"""Rows for tests: many conversations at known times, and long ones."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from chat.models import Conversation, Message, Reply, User


def make_conversations(
    owner: User, count: int, *, newest: datetime | None = None, hours: float = 1
) -> list[Conversation]:
    """Conversations ``hours`` apart, the newest first."""
    newest = newest or timezone.now()
    made = Conversation.objects.bulk_create(
        Conversation(owner=owner, title=f"Talk {number}") for number in range(count)
    )
    for number, conversation in enumerate(made):
        conversation.updated_at = newest - timedelta(hours=hours * number)
    Conversation.objects.bulk_update(made, ["updated_at"])
    return made


def set_last_activity(conversation: Conversation, when: datetime) -> None:
    """Set when a conversation was active last, by which the list is sorted."""
    Conversation.objects.filter(pk=conversation.pk).update(updated_at=when)
    conversation.updated_at = when


def long_conversation(owner: User, count: int) -> Conversation:
    """A conversation of ``count`` messages: ``prompt 0``, ``reply 1``, ``prompt 2`` and so on."""
    made = Conversation.objects.create(owner=owner, title=f"{count} messages")
    messages: list[Message] = []
    for number in range(count):
        is_from_user = number % 2 == 0
        message = Message(
            conversation=made,
            owner=owner,
            parent=messages[-1] if messages else None,
            role="user" if is_from_user else "assistant",
            text=f"{'prompt' if is_from_user else 'reply'} {number}",
        )
        messages.append(message)
    Message.objects.bulk_create(messages)
    now = timezone.now()
    Reply.objects.bulk_create(
        Reply(message=message, state="done", model="scripted", seed=1, finished_at=now)
        for message in messages[1::2]
    )
    made.active_leaf = messages[-1]
    made.save()
    return made
