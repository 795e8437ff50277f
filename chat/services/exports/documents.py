"""A conversation as a JSON document: the format ``chatsite-export``.

``docs/chatsite-export.schema.json`` describes it. Only some messages are in memory at a
time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from chat.models import Conversation, Message, Origin, Reply, User
from chat.services.exports.pages import oldest_first

FORMAT = "chatsite-export"
#: Counts changes that an older reader would misunderstand; new fields do not count.
VERSION = 1

#: Fields of ``Reply`` in the export: those that say how the reply came about.
REPLY_FIELDS = (
    *("state", "model", "revision", "precision", "settings", "seed", "instructions"),
    *("prompt_tokens", "new_tokens", "dropped_turns", "cut_tokens"),
    *("is_length_limited", "continued_characters", "batch", "queued_at", "started_at"),
    *("first_text_at", "finished_at", "worker", "error", "losses"),
    *("rating", "rating_reason"),
)


def conversation_document(conversation: Conversation) -> Iterator[str]:
    """Yield pieces of the document, which is one line.

    Each message names its ``parent``; ``active`` is the last message of the path that
    the page shows.
    """
    head = {"format": FORMAT, "version": VERSION, **conversation_fields(conversation)}
    yield to_json(head).removesuffix("}") + ', "messages": ['
    yield from joined(message_fields(one) for one in messages_of(conversation))
    yield "]}\n"


def conversation_fields(conversation: Conversation) -> dict[str, Any]:
    """What is kept of a conversation, without its messages."""
    return {
        "id": conversation.pk,
        "title": conversation.title,
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
        "pinned": conversation.is_pinned,
        "archived": conversation.is_archived,
        "active": conversation.active_leaf_id,
        "preferences": preferences(conversation),
    }


def messages_of(conversation: Conversation) -> Iterator[Message]:
    """All messages with their replies, those of other versions included."""
    rows = Message.objects.filter(conversation=conversation)
    return oldest_first(rows, "reply")


def message_fields(message: Message) -> dict[str, Any]:
    """A message, and how the reply in it came about."""
    fields = {
        "id": message.pk,
        "parent": message.parent_id,
        "role": message.role,
        "text": message.text,
        "created_at": message.created_at,
    }
    reply = getattr(message, "reply", None)
    return fields | ({"reply": reply_fields(reply)} if reply else {})


def reply_fields(reply: Reply) -> dict[str, Any]:
    """How a reply came about."""
    fields = {name: getattr(reply, name) for name in REPLY_FIELDS}
    return {**fields, "is_edited": reply.origin == Origin.EDITED}


def preferences(chosen: User | Conversation) -> dict[str, Any]:
    """The settings that were chosen for a conversation, or for all of a person."""
    return {
        "model": chosen.model,
        "settings": chosen.settings,
        "instructions": chosen.instructions,
    }


def joined(parts: Iterable[dict[str, Any]], before: str = "") -> Iterator[str]:
    """Members of a list as JSON, each after ``before``."""
    separator = ""
    for part in parts:
        yield separator + before + to_json(part)
        separator = "," if before else ", "


def to_json(value: Any) -> str:
    """JSON in one line, with times as ISO 8601 writes them."""
    return json.dumps(value, ensure_ascii=False, default=as_text)


def as_text(value: Any) -> str:
    """A value that JSON has no type for."""
    return value.isoformat() if isinstance(value, datetime) else str(value)
