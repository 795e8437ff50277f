"""Markdown as HTML that is safe to show: what a model writes is trusted in nothing.

Raw HTML is text, pictures are links, links lead only where a person can see
(``chat/rendering/links.py``), and a page's outline keeps its own headings. No text
takes long: a text that is too long, or becomes too many elements, is shown as it was
written. No word gets lost: what Markdown would hide stands beside its place.
"""

from __future__ import annotations

import re

from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from chat.rendering.markdown.cache import HtmlCache
from chat.rendering.markdown.parser import TooMuch, html_of
from chat.text_cleanup import as_lines

#: Longer texts are shown as they are.
TEXT_CHARACTERS = 40_000
#: Characters of rendered texts and of their HTML that are kept, so that a long
#: conversation opens quickly again: up to four bytes each.
CACHED_CHARACTERS = 8_000_000

#: Up to the end of a line, or where it is too long somewhere in it.
_PART = re.compile(r"[\s\S]{1,3000}(?:\n|\Z)|[\s\S]{1,3000}")


_cache = HtmlCache(CACHED_CHARACTERS)


def render(text: str) -> SafeString:
    """HTML of ``text``, with the words of the active language on its buttons."""
    key = text, get_language()
    html = _cache.get(key)
    if html is None:
        html = _rendered(text)
        _cache.put(key, html)
    return html


def _rendered(text: str) -> SafeString:
    if len(text) > TEXT_CHARACTERS:
        return _as_written(text)
    try:
        return html_of(text)
    except TooMuch:
        return _as_written(text)


def _as_written(text: str) -> SafeString:
    """In parts, of which a browser lays out only those that are looked at."""
    parts = [(part,) for part in _PART.findall(as_lines(text))]
    return format_html_join("", '<div class="as-written">{}</div>', parts)
