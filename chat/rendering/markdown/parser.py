"""The Markdown parser: the rules that apply, in their order."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from chat.rendering import links
from chat.rendering.markdown import (
    code,
    direction,
    line_breaks,
    lists,
    math,
    math_lines,
    nesting,
    references,
    tables,
)
from chat.rendering.markdown.emphasis import UnspacedInlineParser

#: The level of the page's own headings; those of a text are below it.
OUTER_HEADING_LEVEL = 3
#: The most blocks, cells and items of a text.
BLOCK_TOKENS_MAX = 24_000


#: Each adds its rules; later ones see the tokens of earlier ones.
_PARTS = (
    *(
        links,
        references,
        nesting,
        lists,
        tables,
        code,
        math,
        math_lines,
        direction,
        line_breaks,
    ),
)


class TooManyElements(Exception):
    """A text becomes more elements than a page should hold."""


def parse_to_html(text: str) -> SafeString:
    """Return safe HTML. Raises ``TooManyElements``."""
    html: str = _parser.render(text)
    return SafeString(html)  # the parser escapes its input


def _refuse_too_many_elements(state: StateCore) -> None:
    if len(state.tokens) > BLOCK_TOKENS_MAX:
        raise TooManyElements


def _lower_headings(tokens: Sequence[Token]) -> None:
    """Make levels follow each other without a gap, whatever the text begins with."""
    headings = [token for token in tokens if token.type.startswith("heading_")]
    used = sorted({token.tag for token in headings})
    level = OUTER_HEADING_LEVEL
    for token in headings:
        if token.type == "heading_open":
            rank = OUTER_HEADING_LEVEL + 1 + used.index(token.tag)
            level = min(6, rank, level + 1)
        token.tag = f"h{level}"


def _make_parser() -> MarkdownIt:
    options = {"html": False, "breaks": True, "maxNesting": nesting.LIBRARY_DEPTH}
    md = MarkdownIt()
    md.inline = UnspacedInlineParser()
    md.configure("gfm-like", options)
    # A picture would tell its server who reads; a link tells who clicks on it.
    # Indented lines are not code: small models indent at random.
    md.disable(["image", "code"])
    md.core.ruler.after("block", "size", _refuse_too_many_elements)
    md.core.ruler.push("headings", lambda state: _lower_headings(state.tokens))
    for part in _PARTS:
        part.add_rules(md)
    return md


_parser = _make_parser()
