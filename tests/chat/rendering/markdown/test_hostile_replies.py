"""Hostile texts: few elements, web links only, and a bounded number of steps."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.rendering.links import host_of, normalize
from chat.rendering.markdown import TEXT_CHARACTERS_MAX, _cache, _render, render
from chat.rendering.markdown.code import HIGHLIGHTED_CHARACTERS_MAX
from chat.rendering.markdown.parser import BLOCK_TOKENS_MAX
from chat.rendering.markdown.references import REFERENCED_CHARACTERS_MAX
from chat.services.search.query_parser import ParsedQuery
from chat.services.search.snippets import SNIPPET_CHARACTERS, snippet
from chatsite.search.folding import Folded
from tests.chat.rendering.allowed_html import AllowedHtml
from tests.environment import IS_SOAK
from tests.hostile_replies import FROM_FAMILIES, OUTPUTS, SIZE, corpus

EXAMPLES = 3000 if IS_SOAK else 100
MILLION = 1_000_000


def test_the_corpus_has_no_output_twice() -> None:
    assert len(set(corpus())) == SIZE


def test_the_corpus_becomes_only_text_and_links() -> None:
    shown = [AllowedHtml(render(text)) for text in corpus(1 if IS_SOAK else 10)]
    assert any(one.links for one in shown), "no link came through to be looked at"
    assert any("<script>" in one.text for one in shown)


@settings(max_examples=EXAMPLES, deadline=None)
@given(OUTPUTS | FROM_FAMILIES | st.text())
def test_any_text_becomes_only_text_and_links(text: str) -> None:
    AllowedHtml(render(text))


@settings(max_examples=EXAMPLES, deadline=None)
@given(OUTPUTS)
def test_the_same_text_always_renders_the_same(text: str) -> None:
    first = render(text)
    _cache.clear()
    assert render(text) == first


def steps_of(work: Callable[[], Any]) -> int:
    """Count the lines of Python that run, which the load of the machine cannot change.

    Nothing is remembered of texts that other tests have rendered.
    """
    normalize.cache_clear()
    host_of.cache_clear()
    count = 0

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "unit",
    [
        *("a", "*", "_a*", "[", "](", "[a](", "[a]: /u\n", "<", "<http:", "://"),
        *("http://", "http://[::1]/", "`", "\\", "&", "&#x41;", ">", "> a\n", "- "),
        *("- a\n", "1. a\n", "#", "# a\n", "|", "|-", "|a", "~~a", "a\n===\n", "<!-- "),
        *("```\n", "```js\na.\n```\n", "\n", "\t", "a\u0301\u0316", "\0", "> - "),
        *(
            "$",
            "$a",
            "$$",
            "$$\na\n",
            "\\(",
            "\\[\n",
            "\\[\n\n",
            "a \\[ b\n- c\n",
            "$$ a\n\n",
            "\\begin{a}\n",
            "**\u300c",
            "1. - ",
        ),
        *("[a]: https://a.example\n", "[a]: https://a.example 'b'\n\n", "|a|b|\n|-|\n"),
    ],
)
def test_twice_the_text_takes_no_more_than_about_twice_the_steps(unit: str) -> None:
    half, whole = [(unit * length)[:length] for length in (2000, 4000)]
    spent = steps_of(lambda: _render(half))
    assert steps_of(lambda: _render(whole)) < 2.6 * spent + 2000


DEFINED = "[a]: https://a.example\n\n"


@pytest.mark.parametrize(
    ("before", "unit"),
    [
        (DEFINED, "[a] "),
        (DEFINED, "[][a] "),
        ("", "[a](https://a.example) "),
        ("", "https://a.example "),
        ("\u05d0\n\n", "- a\n1. a\n"),
    ],
)
def test_links_and_boxes_take_steps_in_proportion(before: str, unit: str) -> None:
    few, many = [before + unit * count for count in (200, 400)]
    spent = steps_of(lambda: _render(few))
    assert steps_of(lambda: _render(many)) < 2.2 * spent


@pytest.mark.parametrize("unit", ["[a] ", "[][a] ", "[b][a] ", "**[a]**\n\n"])
@pytest.mark.parametrize("letter", ["x", "&"])
def test_many_references_to_a_long_address_become_little_html(
    letter: str, unit: str
) -> None:
    defined = f"[a]: https://a.example/{letter * 1900}\n\n"
    text = (defined + unit * TEXT_CHARACTERS_MAX)[:TEXT_CHARACTERS_MAX]
    html = render(text)
    assert len(html) < 30 * TEXT_CHARACTERS_MAX
    shown = AllowedHtml(html)
    assert len(shown.links) > REFERENCED_CHARACTERS_MAX / 2000
    # Further references are shown as written.
    assert "[a]" in shown.text.rstrip()[-10:]


@pytest.mark.parametrize(
    "unit", ["a", "word ", "://", "[a](", "> ", "a\u0301\u0316", "|a", "```\n"]
)
def test_a_million_characters_are_shown_as_written(unit: str) -> None:
    text = (unit * MILLION)[:MILLION]
    assert steps_of(lambda: render(text)) < MILLION / 10
    html = render(text)
    assert html.startswith('<div class="as-written">')
    assert AllowedHtml(html).text == text


def test_a_table_with_too_many_cells_is_shown_as_written() -> None:
    columns = 2000
    text = "|a" * columns + "|\n" + "|-" * columns + "|\n" + "|\n" * 5000
    assert len(text) < TEXT_CHARACTERS_MAX < 3 * columns * 5000
    assert AllowedHtml(render(text)).text == text
    wide = (
        "|a" * (BLOCK_TOKENS_MAX // 12) + "|\n" + "|-" * (BLOCK_TOKENS_MAX // 12) + "|"
    )
    assert "<table>" in render(wide)


def test_only_short_code_is_highlighted() -> None:
    assert "hl-" in render("```c\nint a;\n```")
    for code in ("int a; " * 1000, "\n" * 400, "a" * 600):
        assert "hl-" not in render(f"```c\n{code}\n```")
    block = "```c\n" + "int a;\n" * 200 + "```\n\n"
    figures = render(block * 20).split("<figure")[1:]
    coloured = ["hl-" in figure for figure in figures]
    few = HIGHLIGHTED_CHARACTERS_MAX // (200 * len("int a;\n"))
    assert coloured == [True] * few + [False] * (20 - few)


def test_a_snippet_of_a_long_text_is_short_and_takes_few_steps() -> None:
    typed = ParsedQuery.parse("a b")
    assert typed is not None
    for text in ("a b " * 250_000, "a" * MILLION, "a" + "\u0301\u0316" * 500_000):
        folded = Folded.of(text)
        assert steps_of(partial(snippet, text, folded, typed)) < 1_000_000
        shown = "".join(piece.text for piece in snippet(text, folded, typed))
        assert len(shown) <= SNIPPET_CHARACTERS + len("…  …")
