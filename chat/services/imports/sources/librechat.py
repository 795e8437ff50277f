"""Exports of LibreChat: one conversation a file, nested by children or flat."""

from __future__ import annotations

from collections import Counter
from typing import Any

from chat.services.imports.source_messages import (
    ASSISTANT,
    USER,
    SourceConversation,
    SourceMessage,
    dict_of,
    id_of,
    list_of,
    messages_in,
    text_of,
    time_of,
)

#: The parent of a first message.
NO_PARENT = "00000000-0000-0000-0000-000000000000"
LOST = {
    "think": "thought",
    "tool_call": "tool",
    "image_file": "image",
    "error": "error",
}


def message(value: dict[str, Any]) -> SourceMessage | None:
    """A message, with those in it."""
    if "messageId" not in value:
        return None
    lost: Counter[str] = Counter()
    text = text_of(value.get("text")) or _text(list_of(value.get("content")), lost)
    parent = id_of(value.get("parentMessageId"))
    is_user = value.get("isCreatedByUser") is True or value.get("sender") == "User"
    return SourceMessage(
        id_of(value["messageId"]) or "",
        None if parent == NO_PARENT else parent,
        USER if is_user else ASSISTANT,
        "" if value.get("error") is True else text,
        time_of(value.get("createdAt")),
        text_of(value.get("model"))
        or ("" if is_user else text_of(value.get("sender"))),
        "error" if value.get("error") is True else "",
        lost,
        [
            one
            for one in list_of(value.get("children"))
            if isinstance(one, SourceMessage)
        ],
    )


def conversation(value: dict[str, Any]) -> SourceConversation | None:
    """A conversation with its options."""
    if "conversationId" not in value:
        return None
    found = list_of(value.get("messagesTree")) or list_of(value.get("messages"))
    messages = messages_in(found)
    options = dict_of(value.get("options"))
    return SourceConversation(
        "librechat",
        id_of(value["conversationId"]) or "",
        text_of(value.get("title")),
        messages,
        None,
        time_of(value.get("createdAt")),
        time_of(value.get("updatedAt")),
        text_of(options.get("promptPrefix")) or text_of(options.get("system")),
    )


def _text(parts: list[Any], lost: Counter[str]) -> str:
    """Text parts are a string, or an object with a value."""
    text = ""
    for part in map(dict_of, parts):
        if part.get("type") == "text":
            said = part.get("text")
            text += text_of(
                said["value"] if isinstance(said, dict) and "value" in said else said
            )
        elif isinstance(part.get("type"), str):
            lost[LOST.get(part["type"], "tool")] += 1
    return text
