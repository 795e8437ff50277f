"""Characters that people paste and models write: line breaks, controls, blank edges."""

from __future__ import annotations

import re

#: Line breaks other than the line feed: of Windows and old Macs, soft breaks and page
#: breaks of office programs, separators of records, and those of Unicode.
LINE_BREAKS = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
#: No database keeps the first, and no page shows the others.
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f]")


def as_lines(text: str) -> str:
    """``text`` with line feeds as its only line breaks, and a space for each control.

    A space, because two words must not become one. Half a surrogate pair, which is no
    character, becomes a question mark. The result is a fixed point.
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    return _CONTROLS.sub(" ", LINE_BREAKS.sub("\n", text))


def as_line(text: str) -> str:
    """``text`` as one line, with single spaces between its words."""
    return " ".join(as_lines(text).split())


def without_blank_edges(text: str) -> str:
    """``text`` without blank lines around it.

    The indentation of the first line stays: it belongs to code that was pasted.
    """
    begin = len(text) - len(text.lstrip())
    return text[text.rfind("\n", 0, begin) + 1 :].rstrip()
