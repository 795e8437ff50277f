"""The direction of blocks in texts with letters that are written from right to left.

A browser takes the direction of a paragraph from its first letter, and the side of
bullets, numbers and columns from that of the whole message. A Hebrew or Arabic text
often begins with a Latin name, so here the majority of a block's words decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_RIGHT_TO_LEFT = (
    "\u0590-\u05ff\u0600-\u065f\u066e-\u06ef\u06fa-\u08ff\ufb1d-\ufdff\ufe70-\ufefe"
    "\U00010800-\U00010fff\U0001e800-\U0001efff"
)
_WORD = re.compile(rf"(?P<rtl>[{_RIGHT_TO_LEFT}]+)|[^\W\d_{_RIGHT_TO_LEFT}]+")
_ANY = re.compile(f"[{_RIGHT_TO_LEFT}]")
#: With a larger share of right-to-left words than the first, a block is right to left;
#: with a smaller share than the second, it is not; in between, the text around it
#: decides. Google's Closure Library uses the lower one for a text on its own
#: (goog.i18n.bidi.estimateDirection).
SURE_SHARE, LIKELY_SHARE = 0.5, 0.4
#: Blocks whose bullets, numbers, edges and columns are on the side where lines begin.
_BOXES = ("bullet_list", "ordered_list", "blockquote", "table")
_OPEN = tuple(f"{box}_open" for box in _BOXES)
_CLOSE = tuple(f"{box}_close" for box in _BOXES)


def add_rules(md: MarkdownIt) -> None:
    """Add the rule that sets directions where the first letter misleads."""
    md.core.ruler.push("direction", _set_directions)


def _set_directions(state: StateCore) -> None:
    # Of a text that grows: how the text before this part is read.
    of_text = str(state.env.get("direction", ""))
    if not of_text and not _ANY.search(state.src):
        return
    if not of_text:
        blocks = [token for token in state.tokens if token.type == "inline"]
        of_text = state.env["direction"] = _direction(_words(blocks), "")
    depth, around = 0, of_text
    item: Token | None = None
    for index, token in enumerate(state.tokens):
        if token.type in _OPEN:
            if depth == 0:
                around = _direction(_words(_inside(state.tokens, index)), of_text)
                token.attrSet("dir", around)
            depth += 1
        elif token.type in _CLOSE:
            depth -= 1
        elif token.type == "list_item_open":
            item = token
        elif token.type == "inline":
            _set_direction(token, state.tokens[index - 1], item, around)


def _set_direction(text: Token, block: Token, item: Token | None, around: str) -> None:
    """Give a block the direction of its words, unless its first word has it too."""
    words = _words([text])
    if not words or words[0] == (direction := _direction(words, around)):
        return
    if not block.hidden:
        block.attrSet("dir", direction)
    # A bullet is on the side of its item's direction.
    elif item and direction == around:
        item.attrSet("dir", direction)


def _inside(tokens: Sequence[Token], begin: int) -> Iterator[Token]:
    """Yield the texts within the box that opens at ``begin``."""
    level = tokens[begin].level
    # A slice would copy all tokens behind each box.
    for index in range(begin + 1, len(tokens)):
        token = tokens[index]
        if token.level == level and token.nesting < 0:
            return
        if token.type == "inline":
            yield token


def _words(texts: Iterable[Token]) -> list[str]:
    """Return ``rtl`` or ``ltr`` for each word outside of code and formulas."""
    return [
        found.lastgroup or "ltr"
        for text in texts
        for child in text.children or ()
        if child.type == "text"
        for found in _WORD.finditer(child.content)
    ]


def _direction(words: Sequence[str], around: str) -> str:
    """Return the direction of the words, or ``around``, if known, when in doubt."""
    share = words.count("rtl") / max(1, len(words))
    if around and LIKELY_SHARE <= share <= SURE_SHARE:
        return around
    return "rtl" if share > LIKELY_SHARE else "ltr"
