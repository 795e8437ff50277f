"""Exports of Claude: a list of conversations, each with a list of messages."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
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

ROLES = {"human": USER, "user": USER, "assistant": ASSISTANT}
BACKTICKS = re.compile("`+")
#: The parent of a first message.
NO_PARENT = "00000000-0000-4000-8000-000000000000"


def message(value: dict[str, Any]) -> SourceMessage | None:
    """A message with a sender."""
    if "sender" not in value or "uuid" not in value:
        return None
    text, lost = _text(value)
    role = value["sender"]
    return SourceMessage(
        id_of(value["uuid"]) or "",
        id_of(value.get("parent_message_uuid")),
        ROLES.get(role, "") if isinstance(role, str) else "",
        text,
        time_of(value.get("created_at")),
        lost=lost,
    )


def conversation(value: dict[str, Any]) -> SourceConversation | None:
    """A conversation with its messages, a tree if they name their parents."""
    if not isinstance(value.get("chat_messages"), list):
        return None
    messages = messages_in(value["chat_messages"])
    if not any(one.parent for one in messages):
        for before, one in pairwise(messages):
            one.parent = before.id
    for one in messages:
        one.parent = None if one.parent == NO_PARENT else one.parent
    return SourceConversation(
        "claude",
        id_of(value.get("uuid")) or "",
        text_of(value.get("name")),
        messages,
        id_of(value.get("current_leaf_message_uuid")),
        time_of(value.get("created_at")),
        time_of(value.get("updated_at")),
    )


def _text(value: dict[str, Any]) -> tuple[str, Counter[str]]:
    lost: Counter[str] = Counter()
    parts = []
    for part in map(dict_of, list_of(value.get("content"))):
        kind = part.get("type")
        if kind == "text":
            parts.append(text_of(part.get("text")))
        elif kind == "thinking":
            lost["thought"] += 1
        elif kind in ("tool_use", "tool_result"):
            lost["tool"] += 1
        elif kind == "image":
            lost["image"] += 1
    text = "\n\n".join(filter(None, parts)) or text_of(value.get("text"))
    notes = []
    for file in map(dict_of, list_of(value.get("attachments"))):
        name, content = (
            text_of(file.get("file_name")),
            text_of(file.get("extracted_content")),
        )
        if content:
            fence = fence_of(content)
            notes.append(f"{name}\n{fence}\n{content}\n{fence}".lstrip())
        else:
            notes.append(f"[file: {name}]" if name else "[file]")
            lost["file"] += 1
    for file in map(dict_of, list_of(value.get("files"))):
        name = text_of(file.get("file_name"))
        notes.append(f"[file: {name}]" if name else "[file]")
        lost["file"] += 1
    return "\n".join([*notes, *([text] if text else [])]), lost


def fence_of(content: str) -> str:
    """Backticks that enclose a text, more of them than it has in a row."""
    longest = max((len(run) for run in BACKTICKS.findall(content)), default=0)
    return "`" * max(3, longest + 1)
