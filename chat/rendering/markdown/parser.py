"""The Markdown parser: the rules that apply, in their order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
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


_BLANK_END = re.compile(r"\n[ \t>]*\n[ \t>]*\Z")


class TooManyElements(Exception):
    """A text becomes more elements than a page should hold."""


def parse_to_html(text: str) -> SafeString:
    """Return safe HTML. Raises ``TooManyElements``."""
    html: str = _parser.render(text)
    return SafeString(html)  # the parser escapes its input


def parse_growing(text: str, env: dict[str, Any]) -> tuple[list[Token], dict[str, Any]]:
    """Return the tokens of a text that will grow. Raises ``TooManyElements``.

    ``env`` says what came before: ``headings``, ``direction`` and ``shown_numbers``.
    """
    env = {"headings": "", "direction": "", **env, "is_growing": True}
    return _parser.parse(text, env), env


def parse_blocks(text: str) -> list[Token]:
    """Return the tokens of the blocks of a text, whose own text is not parsed."""
    tokens: list[Token] = []
    _parser.block.parse(text.replace("\0", "\ufffd"), _parser, {}, tokens)
    return tokens


def render_tokens(
    tokens: Sequence[Token], begin: int, end: int, env: dict[str, Any]
) -> str:
    """Return the HTML of some of the tokens, which need not close what they open."""
    renderer, options = cast(RendererHTML, _parser.renderer), _parser.options
    html: list[str] = []
    for index in range(begin, end):
        token = tokens[index]
        if token.type == "inline":
            html.append(renderer.renderInline(token.children or [], options, env))
        elif token.type in renderer.rules:
            html.append(renderer.rules[token.type](tokens, index, options, env))
        else:
            html.append(renderer.renderToken(tokens, index, options, env))
    return "".join(html)


def _finish_blocks(state: StateCore) -> None:
    if state.env.get("is_growing"):
        # A definition may come that has been used before.
        state.env.pop("references", None)
        _mark_growing_text(state)
    _refuse_too_many_elements(state)


def _mark_growing_text(state: StateCore) -> None:
    """Say which text the next characters belong to, unless a blank line ended it."""
    last = next((one for one in reversed(state.tokens) if one.nesting >= 0), None)
    if last and last.type == "inline" and not _BLANK_END.search(state.src):
        state.env[math.GROWING_KEY] = last.children


def _refuse_too_many_elements(state: StateCore) -> None:
    if len(state.tokens) > BLOCK_TOKENS_MAX:
        raise TooManyElements


def _lower_headings(tokens: Sequence[Token], above: str) -> None:
    """Make levels follow each other without a gap, whatever the text begins with.

    A heading is one level below the nearest one before it that was written with fewer
    marks, so no later heading changes it. ``above`` names the written levels of the
    headings to which the text belongs, from the highest one; an opening token keeps
    those to which the text behind it belongs (``meta["headings"]``).
    """
    tag = ""
    for token in tokens:
        if token.type == "heading_open":
            written = token.tag[1:]
            above = "".join(level for level in above if level < written) + written
            tag = f"h{min(6, OUTER_HEADING_LEVEL + len(above))}"
            token.meta["headings"] = above
        if token.type.startswith("heading_"):
            token.tag = tag


def _make_parser() -> MarkdownIt:
    options = {"html": False, "breaks": True, "maxNesting": nesting.LIBRARY_DEPTH}
    md = MarkdownIt()
    md.inline = UnspacedInlineParser()
    md.configure("gfm-like", options)
    # A picture would tell its server who reads; a link tells who clicks on it.
    # Indented lines are not code: small models indent at random.
    md.disable(["image", "code"])
    md.core.ruler.after("block", "blocks", _finish_blocks)
    md.core.ruler.push(
        "headings",
        lambda state: _lower_headings(state.tokens, state.env.get("headings", "")),
    )
    for part in _PARTS:
        part.add_rules(md)
    return md


_parser = _make_parser()
