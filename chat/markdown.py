"""Markdown as HTML that is safe to show: what a model writes is trusted in nothing.

Raw HTML is text, pictures are links, links lead only where a person can see, and a
page's outline keeps its own headings.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from linkify_it import LinkifyIt
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

#: The page's own headings end at this level; those of a text come below it.
OUTER_HEADING_LEVEL = 3
#: Longer code is shown without colours: lexers may take long over it.
HIGHLIGHTED_CHARACTERS = 20_000
#: Rendered texts that are kept, so that a long conversation opens quickly again.
CACHED = 1000

_formatter = HtmlFormatter(nowrap=True, classprefix="hl-")


def render(text: str) -> SafeString:
    """HTML of ``text``."""
    return _rendered(text, get_language())


@lru_cache(CACHED)
def _rendered(text: str, _language: str | None) -> SafeString:
    """The same in another language has other words on its buttons."""
    html: str = _markdown.render(text)
    return SafeString(html)  # it escapes what it is given


def _highlighted(code: str, language: str) -> str:
    """Spans with classes for ``code``; empty where no colours are known for it."""
    if not language or len(code) > HIGHLIGHTED_CHARACTERS:
        return ""
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return ""
    return str(highlight(code, lexer, _formatter))


def _code(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    _env: MutableMapping[str, Any],
) -> str:
    """A block of code, with its language."""
    del renderer, options
    token = tokens[index]
    language = token.info.strip().split(maxsplit=1)[0] if token.info.strip() else ""
    colours = SafeString(_highlighted(token.content, language))
    context = {"language": language, "code": colours or token.content}
    return render_to_string("_code.html", context)


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
    # Only what begins with https:// and the like is a link by itself.
    made.linkify = LinkifyIt(options={"fuzzy_link": False, "fuzzy_email": False})
    made.core.ruler.push("headings", lambda state: _lower_headings(state.tokens))
    made.core.ruler.push("cells", lambda state: _align_by_class(state.tokens))
    made.add_render_rule("fence", _code)
    made.add_render_rule("link_open", _link)
    made.add_render_rule("table_open", _table)
    made.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return made


def _link(
    renderer: Any, tokens: Sequence[Token], index: int, options: OptionsDict, _env: Any
) -> str:
    tokens[index].attrSet("rel", "noopener noreferrer nofollow")
    return str(renderer.renderToken(tokens, index, options, _env))


def _table(*_: Any) -> str:
    """Wide ones scroll by themselves, also from the keyboard.

    A group, for several regions of one name would all be landmarks.
    """
    label = escape(gettext("Table"))
    return f'<div class="table" role="group" aria-label="{label}" tabindex="0"><table>'


_markdown = _made()
