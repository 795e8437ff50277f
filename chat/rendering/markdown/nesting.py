"""Blocks that are nested too deeply are shown as written.

The library drops them, because each level is a recursion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.html import escape
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

from chat.text_cleanup import as_lines

#: Levels that are parsed; a list takes two, its own and that of its item.
DEPTH_MAX = 20
#: The level at which the library drops blocks. One rule opens up to two at once.
LIBRARY_DEPTH = DEPTH_MAX + 2


def add_rules(md: MarkdownIt) -> None:
    """Add the rule for blocks that are too deep."""
    md.block.ruler.before("table", "too_deep", _too_deep)
    md.add_render_rule("too_deep", _render_as_written)


def _too_deep(state: StateBlock, begin: int, end: int, silent: bool) -> bool:
    if silent or state.level < DEPTH_MAX:
        return False
    line = begin
    while line < end and (state.isEmpty(line) or not _is_outside(state, line)):
        line += 1
    token = state.push("too_deep", "div", 0)
    token.content = state.getLines(begin, line, state.blkIndent, False)
    token.map = [begin, line]
    state.line = line
    return True


def _is_outside(state: StateBlock, line: int) -> bool:
    """Whether a line belongs to a block around this one."""
    return state.sCount[line] < state.blkIndent


def _render_as_written(_: Any, tokens: Sequence[Token], index: int, *__: Any) -> str:
    text = escape(as_lines(tokens[index].content).rstrip())
    return f'<div class="as-written">{text}</div>\n'
