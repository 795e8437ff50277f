"""Exports of ChatGPT: a list of trees, each a mapping from ids to nodes."""

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

#: Types of content that people read.
TALK = ("text", "multimodal_text")
KINDS = {
    "thoughts": "thought",
    "reasoning_recap": "thought",
    "user_editable_context": "instructions",
    "model_editable_context": "memory",
    "system_error": "error",
}


def message(value: dict[str, Any]) -> SourceMessage | None:
    """A node of a mapping, or the message in it."""
    if "author" in value and "content" in value:
        return _message(value)
    if "message" not in value or not ("parent" in value or "children" in value):
        return None
    found = value["message"]
    if not isinstance(found, SourceMessage):
        found = SourceMessage("", None, "", "", kind="empty")
    found.id = id_of(value.get("id")) or found.id
    found.parent = id_of(value.get("parent"))
    return found


def conversation(value: dict[str, Any]) -> SourceConversation | None:
    """A conversation with its mapping."""
    if not isinstance(value.get("mapping"), dict):
        return None
    for key, node in value["mapping"].items():
        if isinstance(node, SourceMessage):
            node.id = node.id or key
    nodes = messages_in(value["mapping"].values())
    own = [node.text for node in nodes if node.kind == "instructions"]
    for node in nodes:
        node.text = "" if node.kind else node.text
    return SourceConversation(
        "chatgpt",
        id_of(value.get("conversation_id")) or id_of(value.get("id")) or "",
        text_of(value.get("title")),
        nodes,
        id_of(value.get("current_node")),
        time_of(value.get("create_time")),
        time_of(value.get("update_time")),
        own[0] if own else "",
        {"is_archived": value.get("is_archived") is True},
    )


def _message(value: dict[str, Any]) -> SourceMessage:
    content, metadata = dict_of(value["content"]), dict_of(value.get("metadata"))
    role = dict_of(value["author"]).get("role")
    found = SourceMessage(
        id_of(value.get("id")) or "",
        None,
        role if role in (USER, ASSISTANT) else "",
        "",
        time_of(value.get("create_time")),
        text_of(metadata.get("model_slug")),
    )
    found.kind = _kind(value, content, metadata)
    if found.kind == "instructions":
        parts = (content.get("user_profile"), content.get("user_instructions"))
        found.text = "\n\n".join(filter(None, map(text_of, parts)))
    elif not found.kind:
        names = [
            text_of(dict_of(one).get("name"))
            for one in list_of(metadata.get("attachments"))
        ]
        found.text, found.lost = _text(list_of(content.get("parts")), names)
    return found


def _kind(
    value: dict[str, Any], content: dict[str, Any], metadata: dict[str, Any]
) -> str:
    content_type = text_of(content.get("content_type"))
    role = dict_of(value["author"]).get("role")
    if content_type in KINDS:
        return KINDS[content_type]
    if role == "system":
        has_text = any(list_of(content.get("parts")))
        return "hidden" if has_text else "empty"
    if role == "tool" or value.get("recipient") not in (None, "all"):
        return "tool"
    if metadata.get("is_visually_hidden_from_conversation") is True:
        return "hidden"
    if content and content_type not in TALK:
        return "tool" if role != USER else "hidden"
    return ""


def _text(parts: list[Any], names: list[str]) -> tuple[str, Counter[str]]:
    """Text parts are joined with nothing between them; pictures leave a note."""
    lost: Counter[str] = Counter()
    text, notes, rest = "", [], [name for name in names if name]
    for part in parts:
        if isinstance(part, str):
            text += text_of(part)
            continue
        content_type = text_of(dict_of(part).get("content_type"))
        if content_type == "audio_transcription":
            text += text_of(part.get("text"))
        elif "image" in content_type:
            name = rest.pop(0) if rest else ""
            notes.append(f"[picture: {name}]" if name else "[picture]")
            lost["image"] += 1
        elif "audio" in content_type or "video" in content_type:
            lost["sound"] += 1
    for name in rest:
        notes.append(f"[file: {name}]")
        lost["file"] += 1
    return "\n".join([*notes, *([text] if text else [])]), lost
