"""A cache of rendered texts that is bounded by characters, not by entries."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from django.utils.safestring import SafeString

#: A text and the language of the words around it.
Key = tuple[str, str | None]


class HtmlCache:
    """Caches HTML by its text, and drops the entries that were not used for longest.

    ``limit`` counts the characters of all texts and of their HTML together, because a
    thousand long replies take far more memory than a thousand short ones. Threads may
    share a cache.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.characters = 0
        self._entries: OrderedDict[Key, SafeString] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key) -> SafeString | None:
        """Return the HTML of a text, and note that it was used."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: Key, html: SafeString) -> None:
        """Add the HTML of a text, and drop others while the limit is exceeded."""
        with self._lock:
            # Two threads may have rendered the same text.
            if key in self._entries:
                return
            self._entries[key] = html
            self.characters += _size(key, html)
            while self.characters > self.limit:
                self.characters -= _size(*self._entries.popitem(last=False))

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._entries.clear()
            self.characters = 0


def _size(key: Key, html: str) -> int:
    return len(key[0]) + len(html)
