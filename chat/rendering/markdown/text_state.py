"""What a page carries of the settled part of a growing text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

#: Bytes of a state in the query of a URL. Most states take 50; a page may show several
#: growing replies, and a web server refuses long URLs (``limit_request_line``).
STATE_BYTES_MAX = 800

_FIELD_TYPES = [str, str, str, str, list, bool, bool]


class InvalidTextState(ValueError):
    """A page sent a state that no server has written."""


@dataclass(frozen=True, slots=True)
class TextState:
    """All that is needed of a settled text to render what comes behind it."""

    #: Markdown that opens the blocks that are open at the end.
    head: str = ""
    #: Text behind the settled part that will not be given again.
    lead: str = ""
    #: The written levels of the headings to which the text belongs: ``13``.
    headings: str = ""
    #: ``rtl`` or ``ltr`` in texts with letters that are written from right to left.
    direction: str = ""
    #: What the open ordered lists show at their last item, the outermost list first.
    shown_numbers: tuple[int, ...] = ()
    #: Within a block that is too long, whose further lines are shown as written.
    is_as_written: bool = False
    #: The text continues another one, which is settled before it.
    is_continuation: bool = False

    def dump(self) -> str:
        """Return the state as JSON; empty at the beginning of a text."""
        if self == TextState():
            return ""
        texts = (self.head, self.lead, self.headings, self.direction)
        marks = (self.is_as_written, self.is_continuation)
        fields = [*texts, [*self.shown_numbers], *marks]
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))

    @property
    def is_small(self) -> bool:
        """Whether a page can carry it."""
        return len(quote_plus(self.dump())) <= STATE_BYTES_MAX

    @classmethod
    def load(cls, text: str) -> TextState:
        """Return the state that ``dump`` wrote. Raises ``InvalidTextState``."""
        if not text:
            return cls()
        if len(text) > STATE_BYTES_MAX:
            raise InvalidTextState
        try:
            fields: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidTextState from error
        if not isinstance(fields, list) or list(map(type, fields)) != _FIELD_TYPES:
            raise InvalidTextState
        head, lead, headings, direction, numbers, *marks = fields
        if any(type(number) is not int for number in numbers):
            raise InvalidTextState
        return cls(head, lead, headings, direction, (*numbers,), *marks)
