"""The last line of a growing text, without marks whose meaning is still to come.

``Words`` and then ``-`` would be a heading until an item of a list follows, ``**bol``
would show its marks until the word is complete, the header of a table its strokes
until the line below it is, and a link its brackets until its address ends.
"""

from __future__ import annotations

import re

from chat.rendering.markdown.math import has_open_formula

_ONLY_MARKS = re.compile(r"[ \t>]*[-+*=#`~_|: \t]*")
_CODE_SPAN = re.compile(r"`[^`]*`")
_PAIRS = ("**", "~~")
#: A link up to some character of its address; there may be no brackets in its text.
_HALF_LINK = re.compile(r"(?<!\\)\[([^\[\]]*[^\[\]\s\\])\]\((\S*)\Z")
_SCHEMES = ("http://", "https://")
_LINE_END = re.compile(r"\r\n?|\n")
#: Two cells or more; ``|x|`` is also the size of a number.
_HEADER = re.compile(r"[ \t]*\|[^|]*\|[^|].*")


def finish(text: str, *, is_in_table: bool) -> str:
    """Return ``text`` with what its last line opens closed: emphasis, code, a header.

    A line that has only marks so far is left out. The text is not within a block of
    code or a formula; its first line is a row if it ``is_in_table``.
    """
    *whole, line = _LINE_END.split(text)
    finished = text[: len(text) - len(line)]
    if not _ONLY_MARKS.fullmatch(line):
        whole.append(line)
        finished += _closed(line)
    *before, last = ["|" if is_in_table else "", *whole]
    if not _HEADER.fullmatch(last) or before[-1].lstrip(" \t").startswith("|"):
        return finished
    columns = last.strip().strip("|").count("|") + 1
    return finished + ("" if finished.endswith(("\n", "\r")) else "\n") + "|-" * columns


def _closed(line: str) -> str:
    if has_open_formula(_CODE_SPAN.sub("", line)):
        return line
    if line.count("`") % 2:
        return line[:-1] if line.endswith("`") else f"{line}`"
    line = _with_whole_link(line)
    words = _CODE_SPAN.sub("", line)
    closing = ""
    for mark in _PAIRS:
        if words.count(mark) % 2:
            behind = words.rpartition(mark)[2]
            if not behind.strip(" *~"):
                return line[: line.rindex(mark)].rstrip()
            if not behind[0].isspace():
                closing += mark
    return line.rstrip(" *~") + closing if closing else line


def _with_whole_link(line: str) -> str:
    """Return the line with the link at its end closed.

    Until its address has a host, the link is its text alone.
    """
    found = _HALF_LINK.search(line)
    if not found:
        return line
    text, address = found.groups()
    if any(scheme.startswith(address) for scheme in _SCHEMES):
        return line[: found.start()] + text
    missing = 1 + address.count("(") - address.count(")")
    return line + ")" * missing if address.startswith(_SCHEMES) else line
