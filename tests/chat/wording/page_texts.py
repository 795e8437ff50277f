"""The texts of a page that a person reads or hears, attributes that are read out included."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser

SPOKEN = ("alt", "aria-label", "placeholder", "title")
#: What a person wrote, and what a model did, is in no language of ours.
WRITTEN = ("textarea", "pre")
UNSEEN = ("style", "svg")
VOID = ("input", "link", "meta", "br")


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._open: list[str] = []

    def handle_starttag(
        self, tag: str, attributes: list[tuple[str, str | None]]
    ) -> None:
        self.found += [value for name, value in attributes if name in SPOKEN and value]
        if tag not in VOID:
            self._open.append("json" if ("id", "texts") in attributes else tag)

    def handle_startendtag(
        self, tag: str, attributes: list[tuple[str, str | None]]
    ) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        del tag
        if self._open:
            self._open.pop()

    def handle_data(self, text: str) -> None:
        inside = self._open[-1:]
        if inside == ["json"]:
            self.found += json.loads(text).values()
        elif inside != ["script"] and not {*self._open} & {*UNSEEN, *WRITTEN}:
            self.found.append(text)


def texts_of(html: str) -> Iterator[str]:
    """Every text of a page, those that only a screen reader says among them."""
    reader = _Texts()
    # Within a sentence of ours, what somebody wrote.
    reader.feed(re.sub(r"<bdi>.*?</bdi>", "", html, flags=re.DOTALL))
    reader.close()
    return (" ".join(text.split()) for text in reader.found if text.strip())


def is_worded(text: str) -> bool:
    """Whether something in it could be said in another language."""
    return bool(re.search(r"[^\W\d_]{2}", text))
