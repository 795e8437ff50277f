"""Markdown as safe HTML; a model's text is not trusted.

Raw HTML is shown as text, pictures as links, and each link shows where it leads
(``chat/rendering/links.py``). Headings of a text never replace those of the page. No
text takes long: one that is too long, or has too many elements, is shown as written.
No word is lost: what Markdown would hide is shown beside its place.
"""

from __future__ import annotations

import re

from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from chat.rendering.markdown.cache import HtmlCache
from chat.rendering.markdown.parser import TooManyElements, parse_to_html
from chat.text_cleanup import as_lines

#: Longer texts are shown as written.
TEXT_CHARACTERS_MAX = 40_000
#: Characters of texts and their HTML in the cache, which makes a long conversation open
#: quickly again; each takes up to four bytes.
CACHED_CHARACTERS = 8_000_000

#: A part up to the end of a line; a line that is too long is cut.
_PART = re.compile(r"[\s\S]{1,3000}(?:\n|\Z)|[\s\S]{1,3000}")


_cache = HtmlCache(CACHED_CHARACTERS)


def render(text: str) -> SafeString:
    """Return ``text`` as HTML, with buttons in the active language."""
    key = text, get_language()
    html = _cache.get(key)
    if html is None:
        html = _render(text)
        _cache.put(key, html)
    return html


def _render(text: str) -> SafeString:
    if len(text) > TEXT_CHARACTERS_MAX:
        return _as_written(text)
    try:
        return parse_to_html(text)
    except TooManyElements:
        return _as_written(text)


def _as_written(text: str) -> SafeString:
    """Show the text in parts, so that a browser lays out only the visible ones."""
    parts = [(part,) for part in _PART.findall(as_lines(text))]
    return format_html_join("", '<div class="as-written">{}</div>', parts)
