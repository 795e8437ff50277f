"""Exports of chat-ui (HuggingChat): a list of trees by ancestors and children."""

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


def message(value: dict[str, Any]) -> SourceMessage | None:
    """A message that says whom it is from."""
    if "from" not in value or "content" not in value:
        return None
    role, ancestors = value["from"], list_of(value.get("ancestors"))
    text = text_of(value["content"])
    kind = "" if role in (USER, ASSISTANT) else ("hidden" if text else "empty")
    files = list_of(value.get("files"))
    names = [text_of(dict_of(file).get("name")) for file in files]
    notes = [f"[file: {name}]" if name else "[file]" for name in names]
    return SourceMessage(
        id_of(value.get("id")) or "",
        id_of(ancestors[-1]) if ancestors else None,
        "" if kind else role,
        "" if kind else "\n".join([*notes, *([text] if text else [])]),
        time_of(value.get("createdAt")),
        kind=kind,
        lost=Counter({"file": len(files)} if files else {}),
    )


def conversation(value: dict[str, Any]) -> SourceConversation | None:
    """A conversation with a list of messages."""
    messages = messages_in(list_of(value.get("messages")))
    if not messages or not ({"_id", "sessionId", "rootMessageId", "model"} & {*value}):
        return None
    model = text_of(value.get("model"))
    is_flat = not any(one.parent for one in messages)
    for number, one in enumerate(messages):
        one.id = one.id or f"#{number}"
        one.model = model if one.role == ASSISTANT else ""
        if is_flat and number:
            one.parent = messages[number - 1].id
    pk = value.get("_id")
    return SourceConversation(
        "chat-ui",
        id_of(pk.get("$oid") if isinstance(pk, dict) else pk) or "",
        text_of(value.get("title")),
        messages,
        None,
        time_of(value.get("createdAt")),
        time_of(value.get("updatedAt")),
        text_of(value.get("preprompt")),
    )
