"""Reads JSON value by value, without recursion, and makes messages small at once.

A file may hold one object, a list of them, or an object in each line; so no more than
one conversation is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import ijson
from django.conf import settings

from chat.services.imports.json_bytes import CHUNK_BYTES, JsonBytes
from chat.services.imports.source_messages import ImportRefused, SourceMessage

#: About what Python needs for a value, besides the characters of a text.
VALUE_BYTES = 150
#: Events and bytes between two chances to pause.
EVENTS_PER_STEP, BYTES_PER_STEP = 5000, 1_000_000
#: Members of an object at the top whose elements are conversations.
LISTS = ("conversations", "chats")
#: What is yielded where a caller may pause.
PAUSE = object()
#: What is yielded in place of a conversation that is too large.
TOO_LARGE = object()


def values_in(
    file: JsonBytes, shrink: Callable[[dict[str, Any]], Any]
) -> Iterator[Any]:
    """Yield each conversation, or what else is there. Raises ``ImportRefused``."""
    builder = _Builder(shrink)
    try:
        events = ijson.basic_parse(file, buf_size=CHUNK_BYTES, multiple_values=True)
        for number, (event, value) in enumerate(events, 1):
            if builder.take(event, value):
                yield builder.found
            elif number % EVENTS_PER_STEP == 0 or file.taken > BYTES_PER_STEP:
                file.taken = 0
                yield PAUSE
    except (ijson.JSONError, ValueError, ArithmeticError) as error:
        raise ImportRefused("broken_json") from error
    if builder.is_open:
        raise ImportRefused("broken_json")


@dataclass(slots=True)
class _Frame:
    container: Any
    #: How heavy the value was before this part of it.
    weight_before: int
    key: str = ""
    #: A list whose elements are conversations.
    is_list_of_items: bool = False
    #: An object that had such a list, and is none itself.
    is_wrapper: bool = False


class _Builder:
    """Puts events together to values; ``found`` is the last one that is whole."""

    def __init__(self, shrink: Callable[[dict[str, Any]], Any]) -> None:
        self.found: Any = None
        self._shrink = shrink
        self._stack: list[_Frame] = []
        self._weight = 0
        #: Open parts of a value that is too large and skipped.
        self._skipped = 0

    @property
    def is_open(self) -> bool:
        return bool(self._stack)

    def take(self, event: str, value: Any) -> bool:
        """Take an event; whether a value is whole."""
        if self._skipped:
            return self._skip(event)
        if event == "map_key":
            self._stack[-1].key = value
            self._weight += len(value)
            return False
        if event in ("start_map", "start_array"):
            self._open(event)
            return self._check_weight()
        if event in ("end_map", "end_array"):
            return self._close()
        self._weight += VALUE_BYTES + (len(value) if isinstance(value, str) else 0)
        is_whole = self._put(float(value) if isinstance(value, Decimal) else value)
        return is_whole or self._check_weight()

    def _open(self, event: str) -> None:
        if len(self._stack) >= settings.IMPORT_DEPTH_MAX:
            raise ImportRefused("too_deep")
        is_list = event == "start_array"
        frame = _Frame([] if is_list else {}, self._weight)
        if is_list and not self._stack:
            frame.is_list_of_items = True
        elif is_list and len(self._stack) == 1 and self._stack[0].key in LISTS:
            frame.is_list_of_items = isinstance(self._stack[0].container, dict)
            self._stack[0].is_wrapper = frame.is_list_of_items
        self._stack.append(frame)
        self._weight += VALUE_BYTES

    def _close(self) -> bool:
        frame = self._stack.pop()
        if frame.is_list_of_items or frame.is_wrapper:
            return False
        value = frame.container
        if isinstance(value, dict):
            value = self._shrink(value)
            if isinstance(value, SourceMessage):
                within = self._weight if value.children else frame.weight_before
                self._weight = within + VALUE_BYTES * 4 + len(value.text)
        return self._put(value)

    def _put(self, value: Any) -> bool:
        if not self._stack or self._stack[-1].is_list_of_items:
            self.found, self._weight = value, 0
            return True
        frame = self._stack[-1]
        if isinstance(frame.container, list):
            frame.container.append(value)
        else:
            frame.container[frame.key] = value
        return False

    def _check_weight(self) -> bool:
        """Skip the rest of a conversation that is too large; always False."""
        if self._weight > settings.IMPORT_CONVERSATION_MAX_BYTES:
            kept = 1 + next(
                (n for n, frame in enumerate(self._stack) if frame.is_list_of_items), -1
            )
            self._skipped = len(self._stack) - kept
            del self._stack[kept:]
            self._weight = 0
        return False

    def _skip(self, event: str) -> bool:
        if event in ("start_map", "start_array"):
            self._skipped += 1
        elif event in ("end_map", "end_array"):
            self._skipped -= 1
        if self._skipped:
            return False
        self.found = TOO_LARGE
        return True
