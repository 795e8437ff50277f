r"""Formulas in TeX are drawn where they can be, and else shown as written.

Markdown would read ``\(`` as an escaped bracket and the ``*`` and ``_`` of a formula as
emphasis. A formula between single dollars is shown as written, since it may be prices,
and so is one that has no end yet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.utils.html import escape
from django.utils.translation import gettext
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from chat.rendering.mathml import draw
from chat.text_cleanup import as_lines

#: Longer formulas are read as text, which also bounds the search for their end.
LINES_MAX = 60
CHARACTERS_MAX = 2000
#: Longer formulas within a line may be wider than a phone.
SHORT_CHARACTERS_MAX = 24

_ENDS = {"\\(": "\\)", "\\[": "\\]", "\\\\(": "\\\\)", "\\\\[": "\\\\]", "$$": "$$"}
BEGIN = re.compile(r"\\{1,2}[(\[]|\$\$|\\begin\{([a-zA-Z]{1,20}\*?)\}")
#: Between single dollars: no space on the inner side, no letter or digit on the outer.
_DOLLARS = re.compile(
    r"(?<![A-Za-z0-9$])\$(?![\s$])((?:\\.|[^\\$`\n]){1,300}?)(?<!\s)\$(?![A-Za-z0-9$])"
)
#: An amount without an operator behind it: two prices in a sentence are no formula.
_PRICE = re.compile(
    r"\d[\d.,]*([kKmM]|bn)?(?:\*\*|__|~~)?(\s+(?![-+=<>/^|\\]|[*·×÷]\s)|\s*[-–—,;:]\s+|[-–—]?$)"
)

#: The key, in the parser's environment, of the tokens of the text that grows.
GROWING_KEY = "growing_tokens"
#: What may stand behind a formula on lines of its own.
_SENTENCE_ENDS = " \t\n.,;"
_ELEMENT = re.compile("<[^>]*>")
#: Emphasis that ends behind the first dollar, and another that begins before the last.
_ACROSS = re.compile(
    r"[^*_~]*[^\s*_~](\*{1,3}|_{1,3}|~~)[\s.,;:!?)\]（）。、，」』]"
    r"(?:.*[\s(\[（。、，「『])?(\*{1,3}|_{1,3}|~~)[^\s*_~][^*_~]*"
)


def add_rules(md: MarkdownIt) -> None:
    """Add the rules for formulas to the parser."""
    interrupted = ["paragraph", "reference", "blockquote", "list"]
    md.block.ruler.before("hr", "math", _block, {"alt": interrupted})
    md.inline.ruler.before("escape", "math", _inline)
    md.add_render_rule("math_block", _render_block)
    md.add_render_rule("math_inline", _render_inline)


def closing_mark(begin: re.Match[str]) -> str:
    """Return the mark that closes what a match of ``BEGIN`` opens."""
    return f"\\end{{{begin[1]}}}" if begin[1] else _ENDS[begin[0]]


def _block(state: StateBlock, begin: int, end: int, silent: bool) -> bool:
    """Parse a formula on lines of its own, which may include blank lines."""
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
    """Return the line behind the formula, or 0 if none begins."""
    mark = closing_mark(opened)
    is_alone = opened.end() == state.eMarks[begin]
    has_blank = False
    for line in range(begin, min(end, begin + LINES_MAX)):
        if state.isEmpty(line):
            has_blank = True
            continue
        if state.sCount[line] < state.blkIndent or is_fence(state, line):
            return 0
        place = opened.end() if line == begin else state.bMarks[line]
        found = state.src.find(mark, place, state.eMarks[line])
        if found >= 0:
            # A mark followed by more text on its line is part of a sentence.
            after = state.src[found + len(mark) : state.eMarks[line]]
            is_other = after.strip(_SENTENCE_ENDS) or (
                has_blank and not may_span_blank_lines(opened, is_alone)
            )
            return 0 if is_other else line + 1
    # The reply may have been cut within the formula, if its mark has its own line.
    is_cut = is_alone and not has_blank and begin < end - 1 and end <= begin + LINES_MAX
    return end if is_cut else 0


def is_fence(state: StateBlock, line: int) -> bool:
    """Whether a fence of a code block begins or ends on this line."""
    at = state.bMarks[line] + state.tShift[line]
    return state.src.startswith(("```", "~~~"), at)


def may_span_blank_lines(opened: re.Match[str], is_alone: bool) -> bool:
    """Whether blank lines may belong to it: dollars in a sentence are ambiguous."""
    return is_alone or opened[0] != "$$"


def _inline(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "\\$":  # true for most characters
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
    """Return the end of a formula that begins here, or 0 if none does."""
    begin = BEGIN.match(state.src, state.pos, state.posMax)
    if begin:
        mark = closing_mark(begin)
        last = min(state.posMax, begin.end() + CHARACTERS_MAX)
        found = state.src.find(mark, begin.end() + 1, last)
        if found > 0:
            return found + len(mark)
        return state.posMax if _is_growing(state) else 0
    dollars = _DOLLARS.match(state.src, state.pos, state.posMax)
    return dollars.end() if dollars and not _are_prices(dollars[1]) else 0


def _is_growing(state: StateInline) -> bool:
    """Whether this text grows, so that an open formula may still end."""
    is_last = state.tokens is state.env.get(GROWING_KEY)
    length = len(state.src)
    return is_last and state.posMax == length < state.pos + CHARACTERS_MAX


def has_open_formula(line: str) -> bool:
    """Whether a formula begins in a line and does not end in it."""
    place = 0
    while opened := BEGIN.search(line, place):
        mark = closing_mark(opened)
        found = line.find(mark, opened.end() + 1)
        if found < 0:
            return True
        place = found + len(mark)
    return False


def _are_prices(between: str) -> bool:
    """Whether a pair of dollars are currency signs: ``**$5** or **US$**``."""
    return bool(_PRICE.match(between) or _ACROSS.fullmatch(between))


def _render_block(_: Any, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return f"{_element('div', as_lines(tokens[index].content))}\n"


def _render_inline(_: Any, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return _element("span", as_lines(tokens[index].content))


def _element(tag: str, written: str) -> str:
    """Return the element of a formula; a copy of it gives what was written.

    One on lines of its own, or with many characters, is a box that scrolls by itself,
    also by the keyboard.
    """
    drawn = _drawn(written)
    if not drawn:
        return f'<{tag} class="math">{escape(written)}</{tag}>'
    kind = "display" if drawn.startswith('<math display="block"') else "long"
    is_short = len(_ELEMENT.sub("", drawn)) <= SHORT_CHARACTERS_MAX
    tex = f'data-tex="{escape(written)}"'
    if kind == "long" and is_short:
        return f'<{tag} class="math" {tex}>{drawn}</{tag}>'
    label = escape(gettext("Formula"))
    box = f'class="math {kind}" role="group" aria-label="{label}" tabindex="0"'
    return f"<{tag} {box} {tex}>{drawn}</{tag}>"


def _drawn(written: str) -> str:
    """Return a formula with its delimiters as MathML; empty if it cannot be drawn."""
    opened = BEGIN.match(written)
    whole = written.rstrip(_SENTENCE_ENDS)
    if not opened or not whole.endswith(mark := closing_mark(opened)):
        return ""
    # An environment is itself part of what is drawn.
    tex = whole if opened[1] else whole[opened.end() : -len(mark)]
    behind = written[len(whole) :]
    return draw(tex + behind, is_block="(" not in opened[0])
