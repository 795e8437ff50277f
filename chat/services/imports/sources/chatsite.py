"""Exports of this program: ``chatsite-export``, and the download of an account."""

from __future__ import annotations

from typing import Any

from chat.services.exports.documents import FORMAT, VERSION
from chat.services.imports.sampling import sampling_of
from chat.services.imports.source_messages import (
    ASSISTANT,
    USER,
    ImportRefused,
    SourceConversation,
    SourceMessage,
    dict_of,
    id_of,
    messages_in,
    text_of,
    time_of,
)
from chat.services.imports.stored_reply import reply_from_export


def message(value: dict[str, Any]) -> SourceMessage | None:
    """A message with its reply."""
    if not {"id", "parent", "role", "text"} <= {*value}:
        return None
    role, created_at = value["role"], time_of(value.get("created_at"))
    has_role = role in (USER, ASSISTANT)
    return SourceMessage(
        id_of(value["id"]) or "",
        id_of(value["parent"]),
        role if has_role else "",
        text_of(value["text"]),
        created_at,
        reply=reply_from_export(dict_of(value.get("reply")), created_at)
        if role == ASSISTANT
        else None,
        kind="" if has_role else "hidden",
    )


def conversation(value: dict[str, Any]) -> SourceConversation | None:
    """A conversation. Raises ``ImportRefused`` for a version that is not known."""
    is_ours = value.get("format") == FORMAT
    if not is_ours and not {"active", "preferences", "messages"} <= {*value}:
        return None
    if is_ours and value.get("version") != VERSION:
        raise ImportRefused("newer_version")
    chosen = dict_of(value.get("preferences"))
    messages = value.get("messages")
    return SourceConversation(
        "chatsite",
        id_of(value.get("id")) or "",
        text_of(value.get("title")),
        messages_in(messages if isinstance(messages, list) else []),
        id_of(value.get("active")),
        time_of(value.get("created_at")),
        time_of(value.get("updated_at")),
        text_of(chosen.get("instructions")),
        {
            "is_pinned": value.get("pinned") is True,
            "is_archived": value.get("archived") is True,
            "model": text_of(chosen.get("model"))[:100],
            "settings": sampling_of(dict_of(chosen.get("settings"))),
        },
    )
