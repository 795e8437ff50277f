"""Markdown that is rendered while it grows.

A part of a growing text is *settled* once no further text changes its blocks; it is
rendered once. The rest, the *tail*, is rendered again whenever text comes. No server
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
from django.utils.safestring import SafeString
from markdown_it.token import Token

from chat.rendering.markdown import parser
from chat.rendering.markdown.fragments import Fragment, Place, fragment, open_at
from chat.rendering.markdown.open_blocks import (
    Cut,
    UnknownPrefix,
    find_cut,
    head_of,
    open_formula,
)
from chat.rendering.markdown.text_state import TextState
from chat.rendering.markdown.unfinished import finish
from chat.text_cleanup import as_lines

#: A longer tail is shown as written, so that no poll takes long.
TAIL_CHARACTERS_MAX = 6000

_LINE_END = re.compile(r"\r\n?|\n")
_BLANK_LINE = re.compile(r"(?:\A|(?<=[\r\n]))[ \t]*(?:\r\n|\r(?!\Z)|\n)")


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
    return replace(behind, settled=_after(whole(beginning), behind.settled))


def whole(text: str) -> SafeString:
    """Return the settled part and the tail of a text as one."""
    try:
        parsed = _Parsed.of(TextState(), text)
    except parser.TooManyElements:
        return _written(text).html
    return fragment(parsed.tokens, parsed.env, Place(0), parsed.end).html


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A text behind the head that opens its blocks."""

    tokens: Sequence[Token]
    env: dict[str, Any]
    #: Head and lines that have ended, and their blocks.
    lines: str
    blocks: Sequence[Token]

    @classmethod
    def of(cls, state: TextState, source: str) -> _Parsed:
        """Raises ``TooManyElements``."""
        ends = _line_ends(source)
        lines = state.head + _LINE_END.sub("\n", source[: ends[-1] if ends else 0])
        blocks = parser.parse_blocks(lines)
        if not _is_verbatim(blocks):
            source = finish(source, is_in_table=state.head.endswith("|\n"))
        tokens, env = parser.parse_growing(state.head + source, _environment(state))
        return cls(tokens, env, lines, blocks)

    @property
    def end(self) -> Place:
        return Place(len(self.tokens))


def _is_verbatim(blocks: Sequence[Token]) -> bool:
    """Whether marks in a further line may be none, as within a block of code."""
    leaf = next((one for one in reversed(blocks) if one.nesting >= 0), None)
    if leaf is None or not leaf.map:
        return False
    is_open = leaf.content.count("\n") >= leaf.map[1] - leaf.map[0] - 1
    return leaf.type in ("math_block", "too_deep") or (leaf.type == "fence" and is_open)


def _grow(state: TextState, source: str) -> GrownText:
    try:
        parsed = _Parsed.of(state, source)
    except parser.TooManyElements:
        return GrownText(Fragment(), _written(source), state, 0)
    tokens, env = parsed.tokens, parsed.env
    begin = _behind_head(tokens, state.head)
    found = _cut(state.head, parsed)
    place = _place_of(found[0], tokens) if found else None
    if found and place:
        cut, head = found
        settled = tokens[begin.index : place.index]
        after = replace(_state_at(place, settled, tokens, state, env), head=head)
        if after.is_small:
            line = cut.line - state.head.count("\n")
            return GrownText(
                fragment(tokens, env, begin, place),
                fragment(tokens, env, place, parsed.end),
                after,
                _line_ends(source)[line - 1],
            )
    return GrownText(Fragment(), fragment(tokens, env, begin, parsed.end), state, 0)


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


def _cut(head: str, parsed: _Parsed) -> tuple[Cut, str] | None:
    """Return the cut in the lines that have ended, and the head for those behind it."""
    lines = parsed.lines.split("\n")[:-1]
    last = open_formula(parsed.blocks, lines)
    cut = find_cut(parsed.blocks, head.count("\n"), last)
    try:
        return (cut, head_of(cut, parsed.blocks, lines)) if cut else None
    except UnknownPrefix:
        return None


def _behind_head(tokens: Sequence[Token], head: str) -> Place:
    """Return the place behind the tokens of the head; the first if it is malformed."""
    first = head.count("\n")
    known = [i for i, one in enumerate(tokens) if one.map and one.map[0] < first]
    if known and tokens[known[-1]].type == "fence":
        return Place(known[-1], 0)
    closing = "tr_close" if head.endswith("|\n") else "paragraph_close"
    for index in range(known[-1] if known else len(tokens), len(tokens)):
        if tokens[index].type == closing:
            return Place(index + 1)
    return Place(0)


def _place_of(cut: Cut, tokens: Sequence[Token]) -> Place | None:
    """Return the place of a cut that was found in whole lines.

    None if an unfinished last line changes the blocks of the lines before it.
    """
    inner = cut.path[-1] if cut.path else None
    if inner and inner.type == "fence" and inner.map:
        begin = inner.map[0]
        index = _first_at(tokens, begin, "fence")
        place = Place(index, cut.line - begin - 1)
    else:
        index = _first_at(tokens, cut.line)
        is_item = index < len(tokens) and tokens[index].type == "list_item_open"
        place = Place(index - is_item)
    expected = [block.type for block in cut.path]
    found = [one.type for one in open_at(tokens, place) if one.type in _PATH_TYPES]
    return place if index < len(tokens) and found == expected else None


_PATH_TYPES = ("list_item_open", "blockquote_open", "table_open", "fence")


def _first_at(tokens: Sequence[Token], line: int, kind: str = "") -> int:
    """Return the index of the first block of a line or behind it."""
    for index, token in enumerate(tokens):
        if token.map and token.map[0] >= line and kind in ("", token.type):
            return index
    return len(tokens)


def _state_at(
    place: Place,
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
            one.meta["shown"] for one in open_at(tokens, place) if "shown" in one.meta
        ),
    )


def _as_written(state: TextState, source: str) -> GrownText:
    """Show a block that is too long as written, up to a blank line."""
    blank = _BLANK_LINE.search(source)
    after = TextState(headings=state.headings, direction=state.direction)
    if blank:
        behind = _grow(after, source[blank.end() :])
        settled = _after(_written(source[: blank.start()]).html, behind.settled)
        end = blank.end() + behind.settled_characters
        return replace(behind, settled=settled, settled_characters=end)
    after = replace(after, is_as_written=True)
    end = (_line_ends(source) or [0])[-1]
    if len(source) - end > TAIL_CHARACTERS_MAX:
        end = len(source)
    settled = _written(source[:end]) if end else Fragment()
    return GrownText(settled, _written(source[end:]), after, end)


def _after(html: str, first: Fragment) -> Fragment:
    """Return whole blocks and, behind them, the first piece of another text."""
    return Fragment(html + first.body, closing=first.closing)


def _written(text: str) -> Fragment:
    shown = as_lines(text).strip("\n")
    html = format_html('<div class="as-written">{}</div>', shown)
    return Fragment(html if shown else "")
