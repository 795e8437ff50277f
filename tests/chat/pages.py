"""What the tests of views read from pages: ids, forms and the poller's state."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.poller: list[tuple[str, str]] = []
        self.key = ""
        self._in_poller = False

    def handle_starttag(
        self, tag: str, attributes: list[tuple[str, str | None]]
    ) -> None:
        found = dict(attributes)
        if tag == "div" and found.get("id") == "poller":
            self._in_poller = True
        if tag == "input" and self._in_poller:
            self.poller.append((str(found["name"]), found.get("value") or ""))
        if tag == "input" and found.get("id") == "key":
            self.key = found.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "div":
            self._in_poller = False


def text_of(response: Any) -> str:
    return str(response.content.decode())


def known(response: Any) -> list[tuple[str, str]]:
    """What the poller of this page (or of this answer) carries."""
    reader = _Reader()
    reader.feed(text_of(response))
    assert reader.poller, "no poller"
    return reader.poller


def poll_url(response: Any) -> str:
    return "/poll/?" + urlencode(known(response))


def form_data(response: Any, text: str) -> dict[str, Any]:
    """What the script of this page would post."""
    reader = _Reader()
    reader.feed(text_of(response))
    data: dict[str, Any] = {"text": text, "key": reader.key}
    for name, value in reader.poller:
        data.setdefault(name, []).append(value)
    return data


def delay_ms(response: HttpResponse | Any) -> int:
    found = re.search(r"load delay:(\d+)ms", text_of(response))
    assert found, "no delay"
    return int(found[1])
