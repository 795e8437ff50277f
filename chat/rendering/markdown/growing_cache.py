"""Growing texts that a browser asks for as a whole, again and again.

Without JavaScript a frame reloads itself, so each time the settled part would be
rendered again.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from chat.rendering.markdown.fragments import Fragment
from chat.rendering.markdown.growing import grow
from chat.rendering.markdown.text_state import TextState


@dataclass(frozen=True, slots=True)
class _Settled:
    """The settled part of a text, its HTML, and what closes its open elements."""

    text: str = ""
    html: str = ""
    closing: str = ""
    state: TextState = field(default_factory=TextState)


class GrowingTextCache:
    """Settled parts of the texts that were asked for last. Threads may share it."""

    def __init__(self, entries_max: int) -> None:
        self._entries_max = entries_max
        self._entries: OrderedDict[tuple[str, str | None], _Settled] = OrderedDict()
        self._lock = Lock()

    def render(self, name: str, text: str) -> SafeString:
        """Return the HTML of the text so far that grows under this name."""
        key = name, get_language()
        with self._lock:
            known = self._entries.get(key, _Settled())
        if not text.startswith(known.text):  # another worker began it again
            known = _Settled()
        grown = grow(known.state, text[len(known.text) :])
        if grown.settled_characters:
            end = len(known.text) + grown.settled_characters
            html = _joined(known, grown.settled)
            known = _Settled(text[:end], html, grown.settled.closing, grown.state)
            self._put(key, known)
        html = _joined(known, grown.tail) + grown.tail.closing
        return mark_safe(html)  # noqa: S308 - both are

    def _put(self, key: tuple[str, str | None], settled: _Settled) -> None:
        with self._lock:
            self._entries[key] = settled
            self._entries.move_to_end(key)
            while len(self._entries) > self._entries_max:
                self._entries.popitem(last=False)


def _joined(settled: _Settled, next_piece: Fragment) -> str:
    """Return the HTML up to the end of the next piece, whose elements stay open."""
    is_within = bool(next_piece.opening)
    return settled.html + ("" if is_within else settled.closing) + next_piece.body
