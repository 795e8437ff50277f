"""Code blocks, which show everything behind their fence, and inline code."""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from chat.rendering.code_highlight import (
    default_file_name,
    highlight,
    show_controls,
)
from chat.rendering.prerender import prerendered
from chat.text_cleanup import as_line

#: Once the code blocks of a text have this many characters, further ones stay plain.
HIGHLIGHTED_CHARACTERS_MAX = 12_000

#: As in ``python title="a.py"``, ``js{1,3}`` and ``rust,ignore``.
_BEHIND_LANGUAGE = re.compile(r"[\s,:{].*", re.DOTALL)
#: A name of a file behind a fence, as in ``python title="a.py"`` and ``js app.js``. It
#: has no folder, and no mark that reorders its letters.
_FILE_NAME = re.compile(
    r"""[=:\s](["'])(?P<quoted>\w[\w .+-]{0,90}\.\w{1,8})\1"""
    r"""|(?:^|[=:\s])(?P<bare>\w[\w.+-]{0,90}\.\w{1,8})(?:\s|$)"""
)


def add_rules(md: MarkdownIt) -> None:
    """Add the rules for code to the parser."""
    md.add_render_rule("fence", _render_block)
    md.add_render_rule("code_inline", _render_inline)


def _render_block(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    """Render a block of code with the words behind its fence."""
    del renderer, options
    token = tokens[index]
    env["coloured"] = env.get("coloured", 0) + len(token.content)
    is_affordable = env["coloured"] <= HIGHLIGHTED_CHARACTERS_MAX
    language = language_of(token.info) if is_affordable else ""
    return code_block(token.info, code_lines(token.content, language))


def language_of(info: str) -> str:
    """Return the first word behind a fence, which names the language."""
    return _BEHIND_LANGUAGE.sub("", as_line(info))


def code_lines(code: str, language: str) -> SafeString:
    """Return lines of code as HTML, coloured if the language is known."""
    return show_controls(highlight(code, language) or escape(code))


def code_block(info: str, code: SafeString) -> SafeString:
    """Return a block of code, below the info string of its fence."""
    caption = as_line(info)
    variant = {"has_info": bool(caption)}
    name = file_name(caption, language_of(info))
    values = {"info": caption, "code": code, "file_name": name}
    return prerendered("messages/_code_block.html", variant, values)


def file_name(info: str, language: str) -> str:
    """Return the name under which a block of code is downloaded."""
    found = _FILE_NAME.search(info)
    return found["quoted"] or found["bare"] if found else default_file_name(language)


def _render_inline(_: Any, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return f"<code>{show_controls(escape(tokens[index].content))}</code>"
