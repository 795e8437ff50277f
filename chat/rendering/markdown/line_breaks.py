"""Line breaks other than a line feed, such as those of office programs and Unicode.

Browsers show most of them as nothing, which would join two words. In text they become
line breaks, as in a user's message. In code they stay and are shown by name
(``chat/rendering/code_highlight.py``), so that a copy is exact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from chat.text_cleanup import as_lines

#: The characters that ``as_lines`` replaces.
_ODD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")


def add_rules(md: MarkdownIt) -> None:
    """Add the rule that breaks lines at these characters."""
    md.core.ruler.push("line_breaks", _break_lines)


def _break_lines(state: StateCore) -> None:
    # An entity may stand for such a character.
    if not _ODD.search(state.src) and "&" not in state.src:
        return
    for token in state.tokens:
        if token.children:
            token.children = [
                part for child in token.children for part in _parts(child)
            ]


def _parts(token: Token) -> Iterator[Token]:
    if token.type == "text":
        yield from line_tokens(as_lines(token.content).split("\n"), token.level)
    else:
        yield token


def line_tokens(lines: Sequence[str], level: int) -> Iterator[Token]:
    """Yield tokens of text with a break between each two ``lines``."""
    for number, line in enumerate(lines):
        if number:
            yield Token("hardbreak", "br", 0, level=level)
        yield Token("text", "", 0, content=line, level=level)
