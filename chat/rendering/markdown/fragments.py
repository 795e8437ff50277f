"""Pieces of a growing text as HTML, which need not begin or end with a block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from markdown_it.token import Token

from chat.rendering.markdown.code import code_block, code_lines, language_of
from chat.rendering.markdown.parser import render_tokens

#: Stands for the code of a block; the parser leaves no such character.
_CODE = SafeString("\0")
#: Elements of open blocks, where they are not those of their tokens.
_ELEMENTS = {"table_open": ("div", "table"), "fence": ("figure", "pre", "code")}


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a growing text, within copies of the elements that are open.

    The first ``depth`` elements, each of them the first in the one before, stand for
    the last elements of the page. What is in them and behind them belongs at their
    ends.
    """

    body: str = ""
    #: The tags of the elements that are open before and behind it.
    opening: str = ""
    closing: str = ""

    @property
    def html(self) -> SafeString:
        """The piece with all its elements."""
        html = self.opening + self.body + self.closing
        return mark_safe(html)  # noqa: S308 - as rendered

    @property
    def depth(self) -> int:
        """How many elements are open before it."""
        return self.opening.count("<")


@dataclass(frozen=True, slots=True)
class Place:
    """A place before a token, or in the code of a fence behind so many lines."""

    index: int
    code_lines: int | None = None


def open_at(tokens: Sequence[Token], place: Place) -> list[Token]:
    """Return the tokens of the blocks that are open at a place, outermost first."""
    opened: list[Token] = []
    for token in tokens[: place.index]:
        if token.nesting > 0:
            opened.append(token)
        elif token.nesting < 0:
            opened.pop()
    return opened if place.code_lines is None else [*opened, tokens[place.index]]


def fragment(
    tokens: Sequence[Token], env: dict[str, Any], begin: Place, end: Place
) -> Fragment:
    """Return what is between two places, with the elements open at the first."""
    outer, inner = [_elements(open_at(tokens, place)) for place in (begin, end)]
    html: list[str] = []
    index = begin.index
    is_within_code = end.index == index and end.code_lines is not None
    if begin.code_lines is not None:
        last = end.code_lines if is_within_code else None
        html.append(_code(tokens[index], begin.code_lines, last))
        if not is_within_code:
            html.append(_around_code(tokens[index])[1])
            index += 1
    html.append(render_tokens(tokens, index, end.index, env))
    if end.code_lines is not None and not (
        is_within_code and begin.code_lines is not None
    ):
        fence = tokens[end.index]
        html += [_around_code(fence)[0], _code(fence, 0, end.code_lines)]
    opening = "".join(f"<{name}>" for name in outer)
    closing = "".join(f"</{name}>" for name in reversed(inner))
    return Fragment("".join(html), opening, closing)


def _elements(blocks: Sequence[Token]) -> list[str]:
    return [name for one in blocks for name in _ELEMENTS.get(one.type, (one.tag,))]


def _code(fence: Token, begin: int, end: int | None) -> str:
    """Return some lines of a block of code."""
    lines = fence.content.split("\n")[begin:end]
    code = "\n".join(lines) + "\n" * (end is not None and end > begin)
    return code_lines(code, language_of(fence.info))


def _around_code(fence: Token) -> tuple[str, str]:
    """Return the HTML of a block before and behind its code."""
    before, behind = code_block(fence.info, _CODE).split(_CODE)
    return before, behind
