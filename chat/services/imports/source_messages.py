"""What a file of another program says, before it becomes a conversation here."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from chatsite import wire

USER, ASSISTANT = wire.Role.USER.value, wire.Role.ASSISTANT.value
#: Times outside of these are wrong.
FIRST, LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
#: Above this a number counts milliseconds.
SECONDS_MAX = 1e11


class ImportRefused(Exception):
    """A file is not imported; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class SourceMessage:
    """A message, or what is no turn of the talk: then ``kind`` says what."""

    id: str
    parent: str | None
    role: str
    text: str
    created_at: datetime | None = None
    model: str = ""
    #: ``tool``, ``thought``, ``hidden``, ``error``; empty for a turn of the talk.
    kind: str = ""
    #: What the text cannot keep, such as ``image``, with how many.
    lost: Counter[str] = field(default_factory=Counter)
    #: Messages that the file has within this one.
    children: list[SourceMessage] = field(default_factory=list)
    #: Fields of ``Reply`` that the file has.
    reply: Mapping[str, Any] | None = None


@dataclass(slots=True)
class SourceConversation:
    """A conversation of a file."""

    source: str
    id: str
    title: str
    messages: list[SourceMessage]
    #: The id of the last message shown; None if the file does not say.
    current: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    instructions: str = ""
    #: Fields of ``Conversation`` that only exports of this program have.
    fields: dict[str, Any] = field(default_factory=dict)


def text_of(value: Any) -> str:
    """A text that every database can keep; empty for what is no text.

    NUL is dropped, and half a surrogate pair replaced.
    """
    if not isinstance(value, str):
        return ""
    whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "")


def id_of(value: Any) -> str | None:
    """An id as text; None for what is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return text_of(value)[:200] or None


def time_of(value: Any) -> datetime | None:
    """A time, from seconds, milliseconds or ISO 8601; None for a wrong one."""
    try:
        if isinstance(value, str):
            found = parse_datetime(value)
            if found is None:
                return None
            made = found if found.tzinfo else found.replace(tzinfo=UTC)
        else:
            seconds = float(value)
            if not math.isfinite(seconds):
                return None
            seconds = seconds / 1000 if abs(seconds) > SECONDS_MAX else seconds
            made = datetime.fromtimestamp(seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return made if FIRST < made < LAST else None


def list_of(value: Any) -> list[Any]:
    """A list; empty for what is none."""
    return value if isinstance(value, list) else []


def dict_of(value: Any) -> dict[str, Any]:
    """An object; empty for what is none."""
    return value if isinstance(value, dict) else {}


def messages_in(values: Any) -> list[SourceMessage]:
    """The messages among some values, with those that they have within."""
    found: list[SourceMessage] = []
    waiting = [one for one in reversed(list(values)) if isinstance(one, SourceMessage)]
    while waiting:
        message = waiting.pop()
        found.append(message)
        waiting += reversed(message.children)
        message.children = []
    return found
