"""Lists: items keep the numbers that were written, and show boxes that are ticked.

No later item changes how an earlier one is shown: the first paragraph of an item is its
text, and further ones are paragraphs, whether or not blank lines separate the items.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_BOX = re.compile(r"\[[ xX]\]")


def add_rules(md: MarkdownIt) -> None:
    """Add the rules for lists to the parser."""
    md.options["tasklists"] = True
    md.core.ruler.after("block", "item_texts", _unwrap_first_paragraphs)
    md.core.ruler.push("lists", _finish_lists)
    md.add_render_rule("list_item_open", _render_item)
    md.add_render_rule("box", _render_box)


def _unwrap_first_paragraphs(state: StateCore) -> None:
    """Show the first paragraph of an item, and no other one, without an element."""
    before, is_first = "", False
    for token in state.tokens:
        if token.type == "paragraph_open":
            is_first = before == "list_item_open"
        if token.type in ("paragraph_open", "paragraph_close"):
            token.hidden = is_first
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            token.attrs.pop("class", None)  # it would depend on later items
        before = token.type


def _finish_lists(state: StateCore) -> None:
    _keep_numbers(state.tokens, state.env.get("shown_numbers", ()))
    if _BOX.search(state.src):
        state.tokens[:] = _with_boxes(state.tokens)


def _with_boxes(tokens: Sequence[Token]) -> Iterator[Token]:
    """Add a box before the first words of an item such as ``- [x] bread``."""
    for index, token in enumerate(tokens):
        yield token
        if "checked" in token.meta:
            box = Token("box", "span", 0, meta={"is_ticked": token.meta["checked"]})
            first = tokens[index + 2]
            if first.type == "inline" and first.children is not None:
                first.children.insert(0, box)
            else:
                yield Token("inline", "", 0, children=[box])


def _render_item(renderer: Any, tokens: Sequence[Token], index: int, *more: Any) -> str:
    """Render an item without the library's input, which would belong to no form."""
    options, _env = more
    return str(renderer.renderToken(tokens, index, options, _env))


def _render_box(_: Any, tokens: Sequence[Token], index: int, *__: Any) -> str:
    is_ticked = tokens[index].meta["is_ticked"]
    label = gettext("Done") if is_ticked else gettext("To do")
    box = '<input class="box" type="checkbox" disabled{} aria-label="{}"> '
    return format_html(box, SafeString(" checked" if is_ticked else ""), label)


@dataclass
class _OrderedList:
    """An open ordered list, and the number of its latest item."""

    shown: int
    written: int
    #: Lists have room for numbers of two digits.
    digits: int = 2

    def count(self, item: Token) -> None:
        """Number an item; browsers count on, and other numbers are set at the item.

        A number that repeats the one before it (1. 1. 1.) is left to the browser. An
        item with a longer number than all before it says so, since it needs room.
        """
        number = int(item.info)
        self.shown += 1
        if number not in (self.written, self.shown):
            item.attrSet("value", str(number))
            self.shown = number
        self.written = number
        item.meta["shown"] = self.shown
        digits = min(9, len(str(self.shown)))
        if digits > self.digits:
            item.attrJoin("class", f"digits-{digits}")
            self.digits = digits


def _keep_numbers(tokens: Sequence[Token], shown: Sequence[int]) -> None:
    """Have each item show the number that was written, with room for it.

    ``shown`` has the number that each of the first lists shows at its first item.
    """
    lists: list[_OrderedList] = []
    begun = 0
    for token in tokens:
        if token.type == "ordered_list_open":
            written = int(token.attrs.get("start", 1))
            first = shown[begun] if begun < len(shown) else written
            lists.append(_OrderedList(first - 1, written))
            begun += 1
        elif token.type == "list_item_open" and token.info:
            lists[-1].count(token)
        elif token.type == "ordered_list_close":
            lists.pop()
