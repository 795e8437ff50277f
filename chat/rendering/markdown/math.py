r"""Formulas in TeX are shown as they were written.

Nothing draws them, and Markdown would take ``\(`` for an escaped bracket and the ``*``
and ``_`` of a formula for emphasis.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.utils.html import escape
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from chat.text_cleanup import as_lines

#: Longer formulas are read as text; also what bounds the time to look for an end.
LINES = 60
CHARACTERS = 2000

_ENDS = {"\\(": "\\)", "\\[": "\\]", "\\\\(": "\\\\)", "\\\\[": "\\\\]", "$$": "$$"}
BEGIN = re.compile(r"\\{1,2}[(\[]|\$\$|\\begin\{([a-zA-Z]{1,20}\*?)\}")
#: Between single dollars: no space at the inner side of either, no letter or digit at
#: the outer side.
_DOLLARS = re.compile(
    r"(?<![A-Za-z0-9$])\$(?![\s$])((?:\\.|[^\\$`\n]){1,300}?)(?<!\s)\$(?![A-Za-z0-9$])"
)
#: An amount, and no operator behind it: two prices in a sentence are no formula.
_PRICE = re.compile(
    r"\d[\d.,]*([kKmM]|bn)?(?:\*\*|__|~~)?(\s+(?![-+=<>/^|\\]|[*·×÷]\s)|\s*[-–—,;:]\s+|[-–—]?$)"
)

#: Emphasis that ends behind the first dollar and another that begins before the last.
_ACROSS = re.compile(
    r"[^*_~]*[^\s*_~](\*{1,3}|_{1,3}|~~)[\s.,;:!?)\]（）。、，」』]"
    r"(?:.*[\s(\[（。、，「『])?(\*{1,3}|_{1,3}|~~)[^\s*_~][^*_~]*"
)


def use(made: MarkdownIt) -> None:
    """Let ``made`` leave formulas alone."""
    interrupted = ["paragraph", "reference", "blockquote", "list"]
    made.block.ruler.before("hr", "math", _block, {"alt": interrupted})
    made.inline.ruler.before("escape", "math", _inline)
    made.add_render_rule("math_block", _shown_block)
    made.add_render_rule("math_inline", _shown_inline)


def end_of(begin: re.Match[str]) -> str:
    """The mark that ends what a match of ``BEGIN`` opens."""
    return f"\\end{{{begin[1]}}}" if begin[1] else _ENDS[begin[0]]


def _block(state: StateBlock, begin: int, end: int, silent: bool) -> bool:
    """A formula that has lines of its own; those of a whole one may be blank."""
    at = state.bMarks[begin] + state.tShift[begin]
    if not state.src.startswith(("$$", "\\"), at):
        return False
    opened = BEGIN.match(state.src, at, state.eMarks[begin])
    line = _block_end(state, begin, end, opened) if opened else 0
    if line and not silent:
        token = state.push("math_block", "div", 0)
        token.content = state.getLines(begin, line, state.blkIndent, False)
        token.map = [begin, line]
        state.line = line
    return line > 0


def _block_end(state: StateBlock, begin: int, end: int, opened: re.Match[str]) -> int:
    """The line behind a formula; 0 where none begins."""
    mark = end_of(opened)
    is_alone = opened.end() == state.eMarks[begin]
    has_blank = False
    for line in range(begin, min(end, begin + LINES)):
        if state.isEmpty(line):
            has_blank = True
            continue
        if state.sCount[line] < state.blkIndent or is_fence(state, line):
            return 0
        place = opened.end() if line == begin else state.bMarks[line]
        found = state.src.find(mark, place, state.eMarks[line])
        if found >= 0:
            # With more text after it on its line, it is part of a sentence.
            after = state.src[found + len(mark) : state.eMarks[line]]
            is_other = after.strip(" \t.,;") or (
                has_blank and not spans(opened, is_alone)
            )
            return 0 if is_other else line + 1
    # A reply that was cut within a formula, which is known by a line for its mark.
    is_cut = is_alone and not has_blank and begin < end - 1 and end <= begin + LINES
    return end if is_cut else 0


def is_fence(state: StateBlock, line: int) -> bool:
    at = state.bMarks[line] + state.tShift[line]
    return state.src.startswith(("```", "~~~"), at)


def spans(opened: re.Match[str], is_alone: bool) -> bool:
    """Whether blank lines belong to it: dollars in a sentence are not that sure."""
    return is_alone or opened[0] != "$$"


def _inline(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "\\$":  # of most characters that come here
        return False
    end = _inline_end(state)
    if not end:
        return False
    if not silent:
        token = state.push("math_inline", "span", 0)
        token.content = state.src[state.pos : end]
    state.pos = end
    return True


def _inline_end(state: StateInline) -> int:
    """Where a formula ends that begins here; 0 where none does."""
    begin = BEGIN.match(state.src, state.pos, state.posMax)
    if begin:
        mark = end_of(begin)
        last = min(state.posMax, begin.end() + CHARACTERS)
        found = state.src.find(mark, begin.end() + 1, last)
        return found + len(mark) if found > 0 else 0
    dollars = _DOLLARS.match(state.src, state.pos, state.posMax)
    return dollars.end() if dollars and not _is_of_prices(dollars[1]) else 0


def _is_of_prices(between: str) -> bool:
    """Whether a pair of dollars are signs of money: ``**$5** or **US$**``."""
    return bool(_PRICE.match(between) or _ACROSS.fullmatch(between))


def _shown_block(_: Any, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return f'<div class="math">{escape(as_lines(tokens[index].content))}</div>\n'


def _shown_inline(_: Any, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return f'<span class="math">{escape(as_lines(tokens[index].content))}</span>'
