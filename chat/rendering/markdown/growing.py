"""Markdown that is rendered while it grows.

A part of a growing text is *settled* once no further text changes its blocks; it is
rendered once. The rest, the *tail*, is rendered anew whenever text comes. No server
keeps anything for this: a ``TextState`` travels with the page. Settled part and tail
together are the HTML of the whole text so far, except that

- references to definitions become links only in the finished text,
- colours of long code, and the sides of lists and tables in texts with letters that
  are written from right to left, depend on a part only,
- a block that is very long is shown as written until the text is finished.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it.token import Token

from chat.rendering.markdown import parser
from chat.rendering.markdown.code import code_block, code_lines, language_of
from chat.rendering.markdown.open_blocks import (
    Cut,
    UnknownPrefix,
    find_cut,
    head_of,
    open_formula,
)
from chat.rendering.markdown.text_state import TextState
from chat.text_cleanup import as_lines

#: A longer tail is shown as written, so that no poll takes long.
TAIL_CHARACTERS_MAX = 6000

_LINE_END = re.compile(r"\r\n?|\n")
_BLANK_LINE = re.compile(r"(?:\A|(?<=[\r\n]))[ \t]*(?:\r\n|\r(?!\Z)|\n)")
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

    html: SafeString = SafeString("")  # noqa: RUF009 - it never changes
    depth: int = 0


@dataclass(frozen=True, slots=True)
class GrownText:
    """What became of a text that grew."""

    #: What is settled now and was not before.
    settled: Fragment
    tail: Fragment
    #: Of all that is settled now.
    state: TextState
    #: Characters of the given text that need not be given again.
    settled_characters: int


@dataclass(frozen=True, slots=True)
class _Place:
    """A place before a token, or in the code of a fence behind so many lines."""

    index: int
    code_lines: int | None = None


def grow(state: TextState, text: str) -> GrownText:
    """Render the text behind the settled part that ``state`` describes."""
    source = state.lead + text
    grown = _as_written(state, source) if state.is_as_written else _grow(state, source)
    if len(source) - grown.settled_characters > TAIL_CHARACTERS_MAX:
        grown = _as_written(state, source)
    settled = grown.settled_characters
    after = replace(
        grown.state,
        lead=state.lead[settled:],
        is_continuation=state.is_continuation,
    )
    return replace(
        grown, state=after, settled_characters=max(0, settled - len(state.lead))
    )


def grow_behind(beginning: str, text: str) -> GrownText:
    """Render a text that continues another one, and that will be given without it.

    What is not settled of the beginning becomes the lead of the state, unless it is
    too long: then all of it is settled, and ``text`` begins with a block of its own.
    """
    grown = grow(TextState(is_continuation=True), beginning + text)
    settled = grown.settled_characters - len(beginning)
    if settled >= 0:
        return replace(grown, settled_characters=settled)
    state = replace(grown.state, lead=beginning[settled:])
    if state.is_small:
        return replace(grown, state=state, settled_characters=0)
    state = replace(grown.state, head="", shown_numbers=(), is_as_written=False)
    behind = grow(state, text)
    return replace(behind, settled=Fragment(whole(beginning) + behind.settled.html))


def whole(text: str) -> SafeString:
    """Return the settled part and the tail of a text as one."""
    try:
        tokens, env = parser.parse_growing(text, {})
    except parser.TooManyElements:
        return _written(text).html
    return _fragment(tokens, env, _Place(0), _Place(len(tokens))).html


def _grow(state: TextState, source: str) -> GrownText:
    first = state.head.count("\n")
    try:
        tokens, env = parser.parse_growing(state.head + source, _environment(state))
    except parser.TooManyElements:
        return GrownText(Fragment(), _written(source), state, 0)
    begin, end = _behind_head(tokens, state.head), _Place(len(tokens))
    ends = _line_ends(source)
    found = _cut(state.head, source[: ends[-1]]) if ends else None
    place = _place_of(found[0], tokens) if found else None
    if found and place:
        cut, head = found
        after = _state_at(place, tokens[begin.index : place.index], tokens, state, env)
        after = replace(after, head=head)
        if after.is_small:
            settled = _fragment(tokens, env, begin, place)
            tail = _fragment(tokens, env, place, end)
            return GrownText(settled, tail, after, ends[cut.line - first - 1])
    return GrownText(Fragment(), _fragment(tokens, env, begin, end), state, 0)


def _line_ends(source: str) -> list[int]:
    """Return the places behind line breaks; the first half of one may be the last."""
    ends = [found.end() for found in _LINE_END.finditer(source)]
    return ends[:-1] if source.endswith("\r") else ends


def _environment(state: TextState) -> dict[str, Any]:
    return {
        "headings": state.headings,
        "direction": state.direction,
        "shown_numbers": state.shown_numbers,
    }


def _cut(head: str, source: str) -> tuple[Cut, str] | None:
    """Return the cut in whole lines, and the head for what is behind it."""
    text = head + _LINE_END.sub("\n", source)
    lines = text.split("\n")[:-1]
    tokens = parser.parse_blocks(text)
    cut = find_cut(tokens, head.count("\n"), open_formula(tokens, lines))
    try:
        return (cut, head_of(cut, tokens, lines)) if cut else None
    except UnknownPrefix:
        return None


def _behind_head(tokens: Sequence[Token], head: str) -> _Place:
    """Return the place behind the tokens of the head; the first if it is malformed."""
    first = head.count("\n")
    known = [i for i, one in enumerate(tokens) if one.map and one.map[0] < first]
    if known and tokens[known[-1]].type == "fence":
        return _Place(known[-1], 0)
    closing = "tr_close" if head.endswith("|\n") else "paragraph_close"
    for index in range(known[-1] if known else len(tokens), len(tokens)):
        if tokens[index].type == closing:
            return _Place(index + 1)
    return _Place(0)


def _place_of(cut: Cut, tokens: Sequence[Token]) -> _Place | None:
    """Return the place of a cut that was found in whole lines.

    None if an unfinished last line changes the blocks of the lines before it.
    """
    inner = cut.path[-1] if cut.path else None
    if inner and inner.type == "fence" and inner.map:
        begin = inner.map[0]
        index = _first_at(tokens, begin, "fence")
        place = _Place(index, cut.line - begin - 1)
    else:
        index = _first_at(tokens, cut.line)
        is_item = index < len(tokens) and tokens[index].type == "list_item_open"
        place = _Place(index - is_item)
    expected = [block.type for block in cut.path]
    found = [one.type for one in _open_at(tokens, place) if one.type in _PATH_TYPES]
    return place if index < len(tokens) and found == expected else None


_PATH_TYPES = ("list_item_open", "blockquote_open", "table_open", "fence")


def _first_at(tokens: Sequence[Token], line: int, kind: str = "") -> int:
    """Return the index of the first block of a line or behind it."""
    for index, token in enumerate(tokens):
        if token.map and token.map[0] >= line and kind in ("", token.type):
            return index
    return len(tokens)


def _open_at(tokens: Sequence[Token], place: _Place) -> list[Token]:
    """Return the tokens of the blocks that are open at a place, outermost first."""
    opened: list[Token] = []
    for token in tokens[: place.index]:
        if token.nesting > 0:
            opened.append(token)
        elif token.nesting < 0:
            opened.pop()
    return opened if place.code_lines is None else [*opened, tokens[place.index]]


def _state_at(
    place: _Place,
    settled: Sequence[Token],
    tokens: Sequence[Token],
    before: TextState,
    env: dict[str, Any],
) -> TextState:
    headings = [one.meta["headings"] for one in settled if one.type == "heading_open"]
    return TextState(
        headings=headings[-1] if headings else before.headings,
        direction=env["direction"],
        shown_numbers=tuple(
            one.meta["shown"] for one in _open_at(tokens, place) if "shown" in one.meta
        ),
    )


def _fragment(
    tokens: Sequence[Token], env: dict[str, Any], begin: _Place, end: _Place
) -> Fragment:
    """Return what is between two places, with the elements open at the first."""
    outer, inner = [_elements(_open_at(tokens, place)) for place in (begin, end)]
    html = [f"<{name}>" for name in outer]
    index = begin.index
    is_within_code = end.index == index and end.code_lines is not None
    if begin.code_lines is not None:
        last = end.code_lines if is_within_code else None
        html.append(_code(tokens[index], begin.code_lines, last))
        if not is_within_code:
            html.append(_around_code(tokens[index])[1])
            index += 1
    html.append(parser.render_tokens(tokens, index, end.index, env))
    if end.code_lines is not None and not (
        is_within_code and begin.code_lines is not None
    ):
        fence = tokens[end.index]
        html += [_around_code(fence)[0], _code(fence, 0, end.code_lines)]
    html += [f"</{name}>" for name in reversed(inner)]
    return Fragment(mark_safe("".join(html)), len(outer))  # noqa: S308 - as rendered


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


def _as_written(state: TextState, source: str) -> GrownText:
    """Show a block that is too long as written, up to a blank line."""
    blank = _BLANK_LINE.search(source)
    after = TextState(headings=state.headings, direction=state.direction)
    if blank:
        behind = _grow(after, source[blank.end() :])
        html = _written(source[: blank.start()]).html + behind.settled.html
        settled = blank.end() + behind.settled_characters
        return replace(behind, settled=Fragment(html), settled_characters=settled)
    after = replace(after, is_as_written=True)
    end = (_line_ends(source) or [0])[-1]
    if len(source) - end > TAIL_CHARACTERS_MAX:
        end = len(source)
    settled_html = _written(source[:end]) if end else Fragment()
    return GrownText(settled_html, _written(source[end:]), after, end)


def _written(text: str) -> Fragment:
    shown = as_lines(text).strip("\n")
    html = format_html('<div class="as-written">{}</div>', shown)
    return Fragment(html if shown else SafeString())
