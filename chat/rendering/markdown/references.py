"""Definitions of references: ``[1]: https://a.example/x`` shows as text with a link.

Markdown hides definitions. Models also list their sources in this form, and readers
want to see where the links of a text lead.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.rules_block import StateBlock, reference
from markdown_it.rules_inline import StateInline, link
from markdown_it.token import Token

#: The text before the address, the address without brackets, and the text behind it.
_DEFINITION = re.compile(
    r"(\[(?:\\.|[^\]\\])*\]:\s*)(?:<((?:\\.|[^<>\n\\])*)>|(\S+))(.*)", re.DOTALL
)

#: Characters of the addresses of all references in a text. Each reference repeats its
#: whole address, so a short text could become much HTML; further ones are shown as
#: written.
REFERENCED_CHARACTERS_MAX = 100_000
#: The key of their count in the parser's environment.
_COUNT_KEY = "referenced_characters"


def add_rules(md: MarkdownIt) -> None:
    """Add the rules that show definitions, and the label of a reference."""
    md.block.ruler.at("reference", _definition)
    md.inline.ruler.at("link", _link)


def _definition(state: StateBlock, begin: int, end: int, silent: bool) -> bool:
    if not reference(state, begin, end, silent):
        return False
    if not silent:
        written = state.getLines(begin, state.line, state.blkIndent, False)
        children = _children(written.strip(), _latest_address(state))
        _add_paragraph(state, begin, children)
    return True


def _latest_address(state: StateBlock) -> str:
    """Return the address that the library read last, also of a second definition."""
    first = next(reversed(state.env["references"].values()))
    again = state.env.get("duplicate_refs", [first])[-1]
    return str(max(first, again, key=lambda one: one["map"][0])["href"])


def _children(written: str, address: str) -> list[Token]:
    """Return the text of a definition, with ``address`` as a link."""
    found = _DEFINITION.fullmatch(written)
    if not found:
        return [Token("text", "", 0, content=written)]
    before, bracketed, bare, after = found.groups()
    # The library reads escapes and entities in an address and a title in this way.
    shown = unescapeAll(bracketed if bare is None else bare)
    opened = Token("link_open", "a", 1, attrs={"href": address})
    return [
        Token("text", "", 0, content=before),
        opened,
        Token("text", "", 0, content=shown, level=1),
        Token("link_close", "a", -1),
        Token("text", "", 0, content=unescapeAll(after)),
    ]


def _add_paragraph(state: StateBlock, begin: int, children: list[Token]) -> None:
    """Add a paragraph, or a line to the paragraph of the definition just before."""
    before = state.tokens[-3] if len(state.tokens) > 2 else None
    is_next = before and before.info == "definitions" and before.map
    if before and before.map and is_next and before.map[1] == begin:
        before.map[1] = state.line
        lines = state.tokens[-2].children or []
        lines += [Token("softbreak", "br", 0), *children]
        return
    opened = state.push("paragraph_open", "p", 1)
    opened.info = "definitions"
    opened.map = [begin, state.line]
    token = state.push("inline", "", 0)
    token.map = [begin, state.line]
    token.children = children  # its content is empty, so it is not parsed again
    state.push("paragraph_close", "p", -1)


def _link(state: StateInline, silent: bool) -> bool:
    """The library's rule; it marks the closing token of a reference with the label."""
    begin, first = state.pos, len(state.tokens)
    if not _library_link(state, silent):
        return False
    written = state.src[begin : state.pos]
    if not silent and written.endswith("]"):
        closed = state.tokens[-1]
        closed.meta["is_reference"] = True
        closed.meta["label"] = written[written.rfind("][") + 2 : -1] * ("][" in written)
        _count_address(state, first)
    return True


def _library_link(state: StateInline, silent: bool) -> bool:
    """The library's rule, without references once they have taken too much."""
    if state.env.get(_COUNT_KEY, 0) < REFERENCED_CHARACTERS_MAX:
        return link(state, silent)
    references = state.env.pop("references", {})
    try:
        return link(state, silent)
    finally:
        state.env["references"] = references


def _count_address(state: StateInline, first: int) -> None:
    """Count the address of the link that begins at token ``first`` or just behind."""
    opened = next(
        state.tokens[index]
        for index in range(first, len(state.tokens))
        if state.tokens[index].type == "link_open"
    )
    spent = state.env.get(_COUNT_KEY, 0) + len(str(opened.attrs["href"]))
    state.env[_COUNT_KEY] = spent
