"""Lists: their items have the numbers that were written."""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token


def use(made: MarkdownIt) -> None:
    """Let ``made`` keep the numbers of items."""
    made.core.ruler.push("lists", _lists)


def _lists(state: StateCore) -> None:
    if any(token.type == "ordered_list_open" for token in state.tokens):
        _keep_numbers(state.tokens)


def _keep_numbers(tokens: Sequence[Token]) -> None:
    """Browsers count on from the first number; other numbers stand at their items.

    A number that repeats the one before it (1. 1. 1.) leaves the counting to Markdown.
    """
    last: list[tuple[int, int]] = []  # of each open list: as written, as shown
    for token in tokens:
        if token.type == "ordered_list_open":
            start = int(token.attrs.get("start", 1))
            last.append((-1, start - 1))
        elif token.type == "ordered_list_close":
            last.pop()
        elif token.type == "list_item_open" and token.info:
            number, (written, shown) = int(token.info), last[-1]
            if number not in (written, shown + 1):
                token.attrSet("value", str(number))
                shown = number - 1
            last[-1] = number, shown + 1
