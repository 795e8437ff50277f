"""Markdown without its marks, as a short excerpt of a reply shows it.

This reads no structure, as the renderer in ``chat/rendering/markdown/`` does: it takes
away what is surely a mark. It is linear in the length of the text, which is hostile: no
pattern repeats what another repetition beside it could match as well.
"""

from __future__ import annotations

import re

#: Lines of signs alone: fences, rules, and the line under the head of a table.
_SIGN_LINE = re.compile(
    r"^[ \t]{0,12}(?:[|:=\-_*][|:=\-_* \t]{2,}|(?:`{3}|~{3})[^\n]*)$", re.MULTILINE
)
#: The outer bars of a row of a table.
_ROW = re.compile(r"^[ \t]{0,12}\|(.*)$", re.MULTILINE)
_BAR = re.compile(r"[ \t]{0,20}\|[ \t]{0,20}")
#: What begins a line: quotes, then a heading, or a bullet with or without a box.
_LINE_START = re.compile(
    r"^[ \t]{0,24}(?:>[ \t]?){0,8}(?:#{1,6}[ \t]|[-*+][ \t](?:\[[ xX]\][ \t])?)?",
    re.MULTILINE,
)
_LINK = re.compile(r"!?\[([^\[\]\n]{0,300})\]\([^()\n]{0,500}\)")
_STRONG = re.compile(r"\*\*|~~|`+")
_EMPHASIS = re.compile(r"(?<![\w*])\*([^\s*](?:[^*\n]{0,200}[^\s*])?)\*(?![\w*])")


def without_marks(text: str) -> str:
    """Return a reply without the marks of headings, lists, tables and links."""
    text = _SIGN_LINE.sub("", text)
    text = _ROW.sub(lambda row: _BAR.sub(" · ", row[1].strip(" \t|")), text)
    text = _LINE_START.sub("", text)
    text = _LINK.sub(r"\1", text)
    return _EMPHASIS.sub(r"\1", _STRONG.sub("", text))
