"""Tables show every cell that was written, and wide tables scroll on their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from django.utils.html import escape
from django.utils.translation import gettext
from markdown_it import MarkdownIt
from markdown_it.common.utils import mdTrim
from markdown_it.rules_block import StateBlock, table
from markdown_it.rules_block.table import escapedSplit, getLine
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from chat.rendering.markdown.line_breaks import line_tokens

_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)


def add_rules(md: MarkdownIt) -> None:
    """Add the rules for tables to the parser."""
    md.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    # Once text is joined, an escaped mark looks like any other.
    md.core.ruler.before("text_join", "breaks", _break_cells)
    md.core.ruler.push("cells", _align_by_class)
    md.add_render_rule("table_open", _render_table_open)
    md.add_render_rule("table_close", lambda *_: "</table></div>\n")


def _table(state: StateBlock, begin: int, end: int, silent: bool) -> bool:
    """The library's rule, with the cells of a row that exceed the header's."""
    first = len(state.tokens)
    if not table(state, begin, end, silent):
        return False
    if not silent:
        state.tokens[first:] = _with_all_cells(state, state.tokens[first:])
    return True


def _with_all_cells(state: StateBlock, tokens: Sequence[Token]) -> Iterator[Token]:
    cells = 0
    line = 0
    for token in tokens:
        if token.type == "tr_open" and token.map:
            cells, line = 0, token.map[0]
        elif token.type in ("th_open", "td_open"):
            cells += 1
        elif token.type == "tr_close":
            for cell in _cells_beyond(cells, mdTrim(getLine(state, line))):
                yield from _cell(cell, token.level + 1, line)
        yield token


def _cells_beyond(count: int, row: str) -> list[str]:
    """Return the cells of a row after the first ``count``, as the library splits it."""
    begin, end = row.startswith("|"), row.endswith("|")
    if row.count("|") - begin - end < count:
        return []
    cells = escapedSplit(row)
    begin, end = cells[0] == "", cells[-1] == ""
    return cells[begin : len(cells) - end][count:]


def _cell(text: str, level: int, line: int) -> Iterator[Token]:
    yield Token("td_open", "td", 1, level=level, block=True)
    yield Token(
        *("inline", "", 0),
        content=mdTrim(text),
        children=[],
        level=level + 1,
        map=[line, line + 1],
        block=True,
    )
    yield Token("td_close", "td", -1, level=level, block=True)


def _break_cells(state: StateCore) -> None:
    """Break the line of a cell at ``<br>``, since a cell has no other way to do so."""
    if not _BREAK.search(state.src):
        return
    for cell, token in pairwise(state.tokens):
        if cell.type not in ("td_open", "th_open") or not token.children:
            continue
        # A cell with nothing else is about the tag itself.
        if _BREAK.search(token.content) and _BREAK.sub("", token.content).strip():
            children: list[Token] = []
            for child in token.children:
                lines = _BREAK.split(child.content)
                is_text = child.type == "text"
                children += line_tokens(lines, child.level) if is_text else [child]
            token.children = children


def _align_by_class(state: StateCore) -> None:
    """Align by a class: the page's policy allows no inline style."""
    for token in state.tokens:
        if token.type in ("th_open", "td_open") and (
            style := token.attrs.pop("style", "")
        ):
            token.attrSet("class", str(style).removeprefix("text-align:"))


def _render_table_open(_: Any, tokens: Sequence[Token], index: int, *__: Any) -> str:
    """Begin a box in which a wide table scrolls, also by the keyboard.

    Its role is a group, because regions of the same name would all be landmarks.
    """
    label = escape(gettext("Table"))
    direction = tokens[index].attrs.get("dir")
    # The box has the direction, too: it decides at which edge a narrow table is.
    turned = f' dir="{direction}"' if direction else ""
    box = f'<div class="table"{turned} role="group" aria-label="{label}" tabindex="0">'
    return f"{box}<table{turned}>"
