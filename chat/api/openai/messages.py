"""The messages of a call as turns: roles and forms of content that clients send."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from chat.api.openai.errors import OpenAIError, bad
from chatsite import wire

ROLES = {
    "system": wire.Role.SYSTEM,
    "developer": wire.Role.SYSTEM,
    "user": wire.Role.USER,
    "assistant": wire.Role.ASSISTANT,
}
#: Fields of a message that change nothing here, if they have a value at all.
IGNORED = frozenset(("role", "content", "name", "refusal"))
#: NUL, which PostgreSQL refuses, and halves of surrogate pairs, which are no text.
NO_TEXT = re.compile("[\x00\ud800-\udfff]")


def turns_of(messages: Any) -> tuple[wire.Turn, ...]:
    """Return the turns of a call. Raises ``OpenAIError``.

    The last turn is the user's or the assistant's: instructions that nothing follows
    are asked like a message. Empty messages of the assistant are left out.
    """
    if not isinstance(messages, list) or not messages:
        raise bad("messages", "messages must be a list with at least one message.")
    turns = [_turn(number, message) for number, message in enumerate(messages)]
    said = [turn for turn in turns if turn.text or turn.role != wire.Role.ASSISTANT]
    if not any(turn.text.strip() for turn in said):
        raise bad("messages", "messages must contain some text.")
    if said[-1].role == wire.Role.SYSTEM:
        said[-1] = wire.Turn(wire.Role.USER, said[-1].text)
    return tuple(said)


def is_text(value: Any) -> bool:
    """Whether it is a text that can be stored as it is."""
    return isinstance(value, str) and NO_TEXT.search(value) is None


def clean(text: str) -> str:
    """Return a text without characters that cannot be stored."""
    return NO_TEXT.sub("\ufffd", text)


def _turn(number: int, message: Any) -> wire.Turn:
    place = f"messages[{number}]"
    if not isinstance(message, dict):
        raise bad(place, f"{place} must be an object.")
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise bad(f"{place}.role", f"{place}.role must be one of {', '.join(ROLES)}.")
    for name, value in message.items():
        if name not in IGNORED and value:
            raise _not_text(f"{place}.{name}")
    return wire.Turn(ROLES[role], _content(place, message, role))


def _content(place: str, message: dict[str, Any], role: str) -> str:
    content = message.get("content")
    if content is None and role == "assistant":
        return ""
    if isinstance(content, str):
        return clean(content)
    if isinstance(content, list) and content:
        return _text_of_parts(f"{place}.content", content)
    said = f"{place}.content must be a text, or a list of parts of text."
    raise bad(f"{place}.content", said)


def _text_of_parts(place: str, parts: Sequence[Any]) -> str:
    texts = []
    for number, part in enumerate(parts):
        is_text = isinstance(part, dict) and part.get("type") == "text"
        text = part.get("text") if is_text else None
        if not isinstance(text, str):
            raise _not_text(f"{place}[{number}]")
        texts.append(clean(text))
    return "".join(texts)


def _not_text(param: str) -> OpenAIError:
    said = f"{param} is not supported here: only text is."
    return bad(param, said, "unsupported_parameter")
