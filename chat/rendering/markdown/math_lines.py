r"""Paragraphs with a formula of several lines, none of which begins another block.

In ``So \[ a`` / ``- b`` / ``\] holds`` the second line is not an item of a list.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

from chat.rendering.markdown.math import (
    BEGIN,
    CHARACTERS_MAX,
    LINES_MAX,
    closing_mark,
    is_fence,
    may_span_blank_lines,
)


def add_rules(md: MarkdownIt) -> None:
    """Add the rule that keeps the lines of a formula in their paragraph."""
    md.block.ruler.at("paragraph", _paragraph)


def _paragraph(state: StateBlock, begin: int, end: int, silent: bool) -> bool:
    """The library's rule, except that lines within a formula end no paragraph."""
    del silent  # the last rule always applies
    outer, state.parentType = state.parentType, "paragraph"
    line, reach = begin, begin
    while line < end and (line <= reach or not _is_interrupted(state, line, end)):
        if line == begin or line > reach:
            reach = _reach(state, line, end)
        line += 1
    state.parentType = outer
    state.line = line
    state.push("paragraph_open", "p", 1).map = [begin, line]
    token = state.push("inline", "", 0)
    token.content = state.getLines(begin, line, state.blkIndent, False).strip()
    token.map = [begin, line]
    token.children = []
    state.push("paragraph_close", "p", -1)
    return True


def _is_interrupted(state: StateBlock, line: int, end: int) -> bool:
    """Whether a paragraph ends before ``line``."""
    if state.isEmpty(line):
        return True
    # Lines with more indentation continue it, and so do those of a quote without mark.
    if state.sCount[line] - state.blkIndent > 3 or state.sCount[line] < 0:
        return False
    rules = state.md.block.ruler.getRules("paragraph")
    return any(rule(state, line, end, True) for rule in rules)


def _reach(state: StateBlock, line: int, end: int) -> int:
    """Return the last line of the formulas that begin from ``line`` on."""
    place = state.bMarks[line] + state.tShift[line]
    while opened := BEGIN.search(state.src, place, state.eMarks[line]):
        line, place = _end(state, line, end, opened)
    return line


def _end(
    state: StateBlock, line: int, end: int, opened: re.Match[str]
) -> tuple[int, int]:
    """Return line and place behind a formula, or behind its mark if it has no end."""
    mark = closing_mark(opened)
    limit = min(state.eMarks[end - 1], opened.end() + CHARACTERS_MAX)
    found = state.src.find(mark, opened.end() + 1, limit)
    last = bisect_right(state.eMarks, found, line, end) if found >= 0 else end
    if last == end or not _is_whole(state, (line, last), opened, found):
        return line, opened.end()
    return last, found + len(mark)


def _is_whole(
    state: StateBlock, lines: tuple[int, int], opened: re.Match[str], found: int
) -> bool:
    """Whether the text between two marks is a formula rather than a sentence."""
    first, last = lines
    if first == last:
        return True
    begin = state.bMarks[first] + state.tShift[first]
    is_alone = opened.end() == state.eMarks[first]
    is_after_text = opened.start() > begin
    may_be_blank = not is_after_text and may_span_blank_lines(opened, is_alone)
    if last - first >= LINES_MAX or state.src.count("`", begin, opened.start()) % 2:
        return False
    # The dollars of two prices: "Hotel: $$", "- another: $$".
    is_at_begin = found == state.bMarks[last] + state.tShift[last]
    if opened[0] == "$$" and is_alone and not is_at_begin:
        return False
    return all(
        may_be_blank
        if state.isEmpty(line)
        else state.sCount[line] >= state.blkIndent and not is_fence(state, line)
        for line in range(first + 1, last + 1)
    )
