"""Lists: items keep the numbers that were written, and show boxes that are ticked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_BOX = re.compile(r"\[[ xX]\]")


def add_rules(md: MarkdownIt) -> None:
    """Add the rules for lists to the parser."""
    md.options["tasklists"] = True
    md.core.ruler.push("lists", _finish_lists)
    md.add_render_rule("list_item_open", _render_item)
    md.add_render_rule("box", _render_box)


def _finish_lists(state: StateCore) -> None:
    _keep_numbers(state.tokens)
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
    label, sign = (gettext("Done"), "☑") if is_ticked else (gettext("To do"), "☐")
    box = '<span class="box" role="img" aria-label="{}">{}</span> '
    return format_html(box, label, sign)


@dataclass
class _OrderedList:
    """An open ordered list, and the number of its latest item."""

    token: Token
    shown: int
    written: int = -1
    digits: int = 1

    def count(self, item: Token) -> None:
        """Number an item; browsers count on, and other numbers are set at the item.

        A number that repeats the one before it (1. 1. 1.) is left to the browser.
        """
        number = int(item.info)
        self.shown += 1
        if number not in (self.written, self.shown):
            item.attrSet("value", str(number))
            self.shown = number
        self.written = number
        self.digits = max(self.digits, len(str(self.shown)))


def _keep_numbers(tokens: Sequence[Token]) -> None:
    """Have each item show the number that was written, with room for it."""
    lists: list[_OrderedList] = []
    for token in tokens:
        if token.type == "ordered_list_open":
            lists.append(_OrderedList(token, int(token.attrs.get("start", 1)) - 1))
        elif token.type == "list_item_open" and token.info:
            lists[-1].count(token)
        elif token.type == "ordered_list_close":
            closed = lists.pop()
            if closed.digits > 1:
                closed.token.attrJoin("class", f"digits-{min(9, closed.digits)}")
