"""Markdown as HTML that is safe to show: what a model writes is trusted in nothing.

Raw HTML is text, pictures are links, links lead only where a person can see
(``chat/links.py``), and a page's outline keeps its own headings. No text takes long:
what is too long, or becomes too many elements, is shown as it was written.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import escape, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from chat import links
from chat.highlighting import highlighted, with_controls_shown

#: The page's own headings end at this level; those of a text come below it.
OUTER_HEADING_LEVEL = 3
#: Longer texts, and those of more blocks, cells and items, are shown as they are.
TEXT_CHARACTERS = 40_000
BLOCK_TOKENS = 24_000
#: Code behind so much of it, in one text, is shown without colours.
COLOURED_CHARACTERS = 12_000
#: A fence may name anything a language.
LANGUAGE_CHARACTERS = 40
#: Rendered texts that are kept, so that a long conversation opens quickly again.
CACHED = 1000


#: Up to the end of a line, or where it is too long somewhere in it.
_PART = re.compile(r"[\s\S]{1,3000}(?:\n|\Z)|[\s\S]{1,3000}")


class TooMuch(Exception):
    """A text becomes more elements than a page should hold."""


def render(text: str) -> SafeString:
    """HTML of ``text``."""
    return _rendered(text, get_language())


@lru_cache(CACHED)
def _rendered(text: str, _language: str | None) -> SafeString:
    """The same in another language has other words on its buttons."""
    if len(text) > TEXT_CHARACTERS:
        return _as_written(text)
    try:
        html: str = _markdown.render(text)
    except TooMuch:
        return _as_written(text)
    return SafeString(html)  # it escapes what it is given


def _as_written(text: str) -> SafeString:
    """In parts, of which a browser lays out only those that are looked at."""
    parts = [(part,) for part in _PART.findall(text)]
    return format_html_join("", '<div class="as-written">{}</div>', parts)


def _code(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    """A block of code, with its language."""
    del renderer, options
    token = tokens[index]
    language = token.info.strip().split(maxsplit=1)[0] if token.info.strip() else ""
    env["coloured"] = env.get("coloured", 0) + len(token.content)
    is_affordable = env["coloured"] <= COLOURED_CHARACTERS
    code = highlighted(token.content, language) if is_affordable else ""
    code = code or escape(token.content)
    context = {
        "language": language[:LANGUAGE_CHARACTERS],
        "code": with_controls_shown(code),
    }
    return render_to_string("_code.html", context)


def _inline_code(_: Any, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return f"<code>{with_controls_shown(escape(tokens[index].content))}</code>"


def _refuse_too_much(state: StateCore) -> None:
    if len(state.tokens) > BLOCK_TOKENS:
        raise TooMuch


def _lower_headings(tokens: Sequence[Token]) -> None:
    """Levels follow each other without a gap, wherever the text begins."""
    headings = [token for token in tokens if token.type.startswith("heading_")]
    used = sorted({token.tag for token in headings})
    level = OUTER_HEADING_LEVEL
    for token in headings:
        if token.type == "heading_open":
            rank = OUTER_HEADING_LEVEL + 1 + used.index(token.tag)
            level = min(6, rank, level + 1)
        token.tag = f"h{level}"


def _align_by_class(tokens: Sequence[Token]) -> None:
    """The page's policy allows no style of an element's own."""
    for token in tokens:
        if token.type in ("th_open", "td_open") and (
            style := token.attrs.pop("style", "")
        ):
            token.attrSet("class", str(style).removeprefix("text-align:"))


def _made() -> MarkdownIt:
    made = MarkdownIt("gfm-like", {"html": False, "breaks": True, "maxNesting": 20})
    # A picture would tell its server who reads; as a link it tells who asks for it.
    # Indented lines are no code: small models indent at random.
    made.disable(["image", "code"])
    made.core.ruler.after("block", "size", _refuse_too_much)
    links.use(made)
    made.core.ruler.push("headings", lambda state: _lower_headings(state.tokens))
    made.core.ruler.push("cells", lambda state: _align_by_class(state.tokens))
    made.add_render_rule("fence", _code)
    made.add_render_rule("code_inline", _inline_code)
    made.add_render_rule("table_open", _table)
    made.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return made


def _table(*_: Any) -> str:
    """Wide ones scroll by themselves, also from the keyboard.

    A group, for several regions of one name would all be landmarks.
    """
    label = escape(gettext("Table"))
    return f'<div class="table" role="group" aria-label="{label}" tabindex="0"><table>'


_markdown = _made()
