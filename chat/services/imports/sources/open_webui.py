"""Exports of Open WebUI: a list of chats, each with a history from ids to messages."""

from __future__ import annotations

import re
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

#: Reasoning and calls of tools, which are HTML within the text.
DETAILS = re.compile(
    r"<details\b[^>]*\btype=\"(reasoning|tool_calls|code_interpreter)\"[^>]*>"
    r".*?</details>\n?",
    re.DOTALL,
)


def message(value: dict[str, Any]) -> SourceMessage | None:
    """A message with a role and a content."""
    if "role" not in value or "content" not in value or "author" in value:
        return None
    role, lost = value["role"], Counter[str]()
    text = _content(value["content"], lost)
    notes = []
    for file in map(dict_of, list_of(value.get("files"))):
        is_image = file.get("type") == "image"
        lost["image" if is_image else "file"] += 1
        name = text_of(file.get("name"))
        what = "picture" if is_image else "file"
        notes.append(f"[{what}: {name}]" if name else f"[{what}]")
    has_failed = bool(value.get("error")) and not text.strip()
    return SourceMessage(
        id_of(value.get("id")) or "",
        id_of(value.get("parentId")),
        role if role in (USER, ASSISTANT) else "",
        "\n".join([*notes, *([text] if text.strip() else [])]),
        time_of(value.get("timestamp")),
        text_of(value.get("model")),
        "failed" if has_failed else "",
        lost,
    )


def conversation(value: dict[str, Any]) -> SourceConversation | None:
    """A chat with its history, or with a flat list in older exports."""
    chat = value.get("chat")
    if not isinstance(chat, dict):
        if not isinstance(value.get("history"), dict):
            return None
        chat = value
    history = dict_of(chat.get("history"))
    messages = _of_history(dict_of(history.get("messages")))
    if not messages:
        messages = _in_a_row(messages_in(list_of(chat.get("messages"))))
    return SourceConversation(
        "open-webui",
        id_of(value.get("id")) or "",
        text_of(value.get("title")) or text_of(chat.get("title")),
        messages,
        id_of(history.get("currentId")),
        time_of(value.get("created_at")) or time_of(chat.get("timestamp")),
        time_of(value.get("updated_at")),
        text_of(chat.get("system")),
        {
            "is_archived": value.get("archived") is True,
            "is_pinned": value.get("pinned") is True,
        },
    )


def _of_history(nodes: dict[str, Any]) -> list[SourceMessage]:
    for key, node in nodes.items():
        if isinstance(node, SourceMessage):
            node.id = node.id or key
    return messages_in(nodes.values())


def _in_a_row(messages: list[SourceMessage]) -> list[SourceMessage]:
    """A flat list: each message follows the one before it."""
    for number, one in enumerate(messages):
        one.id = one.id or f"#{number}"
        if number:
            one.parent = messages[number - 1].id
    return messages


def _content(value: Any, lost: Counter[str]) -> str:
    if isinstance(value, list):
        parts = [dict_of(part) for part in value]
        lost["image"] += sum(part.get("type") == "image_url" for part in parts)
        return "\n".join(filter(None, (text_of(part.get("text")) for part in parts)))
    text, found = text_of(value), Counter[str]()
    for match in DETAILS.finditer(text) if "<details" in text else ():
        found["thought" if match[1] == "reasoning" else "tool"] += 1
    if found:
        text = DETAILS.sub("", text)
        lost += found
    return text
