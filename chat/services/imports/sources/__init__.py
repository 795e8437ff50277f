"""The programs whose exports are read: one module for each."""

from __future__ import annotations

from typing import Any

from chat.services.imports.source_messages import SourceConversation
from chat.services.imports.sources import (
    chat_ui,
    chatgpt,
    chatsite,
    claude,
    librechat,
    open_webui,
)

SOURCES: tuple[Any, ...] = (chatsite, chatgpt, claude, librechat, open_webui, chat_ui)


def shrink(value: dict[str, Any]) -> Any:
    """What is needed of an object: a message of any source is made small at once."""
    for source in SOURCES:
        message = source.message(value)
        if message is not None:
            return message
    return value


def conversation_of(value: Any) -> SourceConversation | None:
    """The conversation that an object is, by its content; None for another object."""
    if not isinstance(value, dict):
        return None
    for source in SOURCES:
        found: SourceConversation | None = source.conversation(value)
        if found is not None and found.messages:
            return found
    return None
