"""Finds the words of a text that are not visible once it is rendered."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from unicodedata import normalize
from urllib.parse import unquote

from markdown_it.common.normalize_url import normalizeLinkText

from chat.rendering.markdown import render
from tests.chat.rendering.allowed_html import AllowedHtml

WORD = re.compile(r"[^\W_]+")
#: Marks that stand for something else, which have tests of their own.
SIGN = re.compile(
    r"&#?\w+;"  # a character
    r"|(?<![^\W_])\d{1,9}[.)](?=\s|$)"  # the number of an item, which is counted on
    r"|\[[xX]\](?=[ \t])"  # a box that is ticked
    r"|<br ?/?>",  # a break within a cell
    re.MULTILINE,
)
#: What names something in TeX: commands, environments, columns, distances, colours.
TEX_NAME = re.compile(
    r"\\(begin|end)\{[a-zA-Z]+\*?\}(\{[lcr|: ]*\})?|\\\\\s*\[-?[\d.]+ ?(pt|em|ex|mm|cm)\]"
    r"|\\(text)?color\{\w+\}|\\h(space|skip)\{[^}]*\}|\\[a-zA-Z]+"
)


class VisibleText(AllowedHtml):
    """A reading in which the numbers of lists and the addresses of links are text.

    A browser draws the former, and shows the latter for a link that is pointed at.
    """

    def __init__(self, html: str) -> None:
        self._numbers: list[int | None] = []
        self._address = ""
        super().__init__(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        given = dict(attrs)
        if tag in ("ol", "ul"):
            start = int(given.get("start") or 1) if tag == "ol" else None
            self._numbers.append(start)
        elif tag == "li" and (number := self._numbers[-1]) is not None:
            number = int(given.get("value") or number)
            self.text += f"\n{number}. "
            self._numbers[-1] = number + 1
        elif tag == "a":
            self._address = given["href"] or ""
        elif tag in ("br", "p", "td", "th", "div") and not given.get("data-tex"):
            self.text += "\n"

    def handle_endtag(self, tag: str) -> None:
        super().handle_endtag(tag)
        if tag in ("ol", "ul"):
            self._numbers.pop()
        elif tag == "a":
            address = self._address
            self.text += f" {address} {unquote(address)} {normalizeLinkText(address)} "


def hidden_words(text: str, html: str = "") -> list[str]:
    """Return the words of ``text`` that are not visible once rendered, in order.

    ``html`` is what it became; by default, what a finished reply becomes.
    """
    page = VisibleText(html or render(text))
    hidden = [sign for tex, drawn in page.drawn for sign in _not_drawn(tex, drawn)]
    shown, place = page.text, 0
    for word in WORD.findall(SIGN.sub(" ", text)):
        found = shown.find(word, place)
        if found < 0:
            hidden.append(word)
        else:
            place = found + len(word)
    return hidden


def _not_drawn(tex: str, drawn: str) -> list[str]:
    """Return the letters and digits of a formula that its drawing lacks."""
    named = normalize("NFKD", TEX_NAME.sub(" ", tex))
    written = Counter(sign for sign in named if sign.isalnum())
    return [*(written - Counter(normalize("NFKD", drawn))).elements()]


def text_of(html: str) -> str:
    """Return the text of ``html`` that a browser puts on the clipboard."""
    return unescape(re.sub(r"<[^>]*>", "", html))
