"""Line breaks other than a line feed: of office programs, separators, of Unicode.

A browser shows most of them as nothing and would join two words. In text they are line
breaks, as in what a person sends; in code they stay and are named
(``chat/rendering/code_highlight.py``), so that a copy is what was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from chat.text_cleanup import as_lines

#: What ``as_lines`` changes.
_ODD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")


def use(made: MarkdownIt) -> None:
    """Let ``made`` break lines at all that breaks one."""
    made.core.ruler.push("line_breaks", _line_breaks)


def _line_breaks(state: StateCore) -> None:
    # An entity may stand for such a character.
    if not _ODD.search(state.src) and "&#" not in state.src:
        return
    for token in state.tokens:
        if token.children:
            token.children = [
                part for child in token.children for part in _parts(child)
            ]


def _parts(token: Token) -> Iterator[Token]:
    if token.type == "text":
        yield from in_lines(as_lines(token.content).split("\n"), token.level)
    else:
        yield token


def in_lines(lines: Sequence[str], level: int) -> Iterator[Token]:
    """Tokens of text with a break between each two ``lines``."""
    for number, line in enumerate(lines):
        if number:
            yield Token("hardbreak", "br", 0, level=level)
        yield Token("text", "", 0, content=line, level=level)
