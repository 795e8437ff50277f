"""Conversations that are long already."""

from __future__ import annotations

from django.utils import timezone

from chat.models import Conversation, Message, Reply, User


def long_conversation(owner: User, count: int) -> Conversation:
    """One of ``count`` messages: ``prompt 0``, ``reply 1``, ``prompt 2`` and so on."""
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
