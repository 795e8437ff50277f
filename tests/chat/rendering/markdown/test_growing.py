"""A growing text looks at each moment as its whole text so far does."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chat.rendering.markdown import render
from chat.rendering.markdown.growing import (
    TAIL_CHARACTERS_MAX,
    grow,
    grow_behind,
    whole,
)
from chat.rendering.markdown.growing_cache import GrowingTextCache
from chat.rendering.markdown.text_state import (
    STATE_BYTES_MAX,
    InvalidTextState,
    TextState,
)
from tests.chat.rendering.allowed_html import AllowedHtml
from tests.chat.rendering.growing_page import GrowingPage, read
from tests.chat.rendering.markdown.test_hostile_replies import steps_of
from tests.chat.rendering.visible_words import hidden_words
from tests.environment import IS_SOAK
from tests.everyday_replies import REPLIES, mixed_reply
from tests.hostile_replies import FROM_FAMILIES, OUTPUTS, corpus

#: How often each text is cut, and the number of mixed replies.
CUTS = 12
MIXED = 500 if IS_SOAK else 40
#: Sides in texts written from right to left, and colours of code, may differ until a
#: text is finished.
LATER = frozenset({"dir", "class"})
LONG_AS_WRITTEN = "as-written"
#: The beginning of the address of a link, of which a page shows host and path alone.
HALF_SCHEME = re.compile(r"\]\((?:h|ht|htt|https?:?/{0,2})\Z")
#: Behind a blank line no mark waits for others any more.
END = "\n\n"


@pytest.fixture(autouse=True)
def deeply_nested() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(before)


def grow_in_steps(text: str, seed: int, cuts: int = CUTS) -> GrowingPage:
    """Show more and more of a text, and compare it at each step."""
    chance = random.Random(seed)
    page = GrowingPage()
    for end in sorted([chance.randrange(len(text) + 1) for _ in range(cuts)]):
        page.show(text[:end])
        shown = page.shown.html(LATER)
        if LONG_AS_WRITTEN in page.settled.html() + page.tail.html:
            break
        assert shown == read(whole(text[:end])).html(LATER), text[:end]
    page.show(text)
    return page


def has_late_links(text: str) -> bool:
    """Whether a reference may be used before its definition comes."""
    return "]:" in text


def assert_as_finished(page: GrowingPage, text: str) -> None:
    page.show(text + END)
    finished = render(text + END)
    is_as_written = LONG_AS_WRITTEN in page.shown.html() + finished
    if not is_as_written and not has_late_links(text):
        assert page.shown.html(LATER) == read(finished).html(LATER), text


@pytest.mark.parametrize("number", range(len(REPLIES)))
def test_an_everyday_reply_grows_into_what_the_finished_one_looks_like(
    number: int,
) -> None:
    reply = REPLIES[number]
    page = grow_in_steps(reply, number)
    assert_as_finished(page, reply)
    assert len(reply) < 300 or page.offset > len(reply) / 3


def test_mixed_replies_grow_into_what_the_finished_ones_look_like() -> None:
    for number in range(MIXED):
        text = mixed_reply(number)
        assert_as_finished(grow_in_steps(text, number), text)


def test_hostile_texts_grow_into_what_the_finished_ones_look_like() -> None:
    for number, text in enumerate(corpus(1 if IS_SOAK else 40)):
        assert_as_finished(grow_in_steps(text, number), text)


@settings(max_examples=3000 if IS_SOAK else 60, deadline=None)
@given(
    OUTPUTS
    | FROM_FAMILIES
    | st.text("ab1 \n\r\t*_[]()<>`~#|-:.$\\>", max_size=200)
    | st.lists(
        st.sampled_from(
            [line for reply in REPLIES for line in reply.splitlines()]
            + ["", "", "- ", "> ", "1. a", "```", "|a|b|", "|-|-|", "\\[", "\\]", "$$"]
        ),
        max_size=30,
    ).map("\n".join),
    st.integers(0, 1000),
)
@example("- \n\n  - two\nSure! Here's", 0)
def test_any_text_grows_into_its_whole(text: str, seed: int) -> None:
    grow_in_steps(text, seed)


@pytest.mark.parametrize("reply", REPLIES)
def test_every_word_of_a_growing_reply_is_shown(reply: str) -> None:
    page = GrowingPage()
    for end in range(1, len(reply), 1 if IS_SOAK else 41):
        page.show(reply[:end])
        said = HALF_SCHEME.sub("]", reply[:end])
        assert hidden_words(said, page.shown.html()) == []


LINE = "| some words | and `code` | **bold** |\n"
GROWING = {
    "paragraphs": "Some words, and **more** of them in `code`.\n\n" * 4,
    "table": LINE,
    "code": "    print('some words')  # and more\n",
    "list": "- Some words, and **more** of them\n",
    "nested list": "  - Some words, and **more** of them\n",
    "quote": "> Some words, and **more** of them\n>\n",
}
BEFORE = {
    "table": LINE + "|-|-|-|\n",
    "code": "```python\n",
    "nested list": "- a\n",
}


@pytest.mark.parametrize("kind", GROWING)
def test_a_long_reply_takes_no_more_steps_than_a_short_one(kind: str) -> None:
    steps = []
    for length in (2_000, 32_000):
        text = (BEFORE.get(kind, "") + GROWING[kind] * length)[:length]
        grown = grow(TextState(), text)
        rest = text[grown.settled_characters :] + "some wor"
        grow(grown.state, rest)  # templates are rendered once
        state = grown.state
        steps.append(steps_of(lambda s=state, r=rest: grow(s, r)))  # type: ignore[misc]
    short, long = steps
    assert long < 1.5 * short + 500


DEEP = "".join(f"{'  ' * level}- {level}\n" for level in range(12))


@pytest.mark.parametrize(
    "text",
    [
        # Formulas whose end comes late, or never.
        "Words\n$$\na\nb\n\nno formula\n",
        "Words\n\n\\[\na\n\n- b\n\\]\n\nmore\n",
        "Words \\[ a\n- b\n\\] more\n\n- c\n",
        "$$\n" + "a\n" * 70 + "\n$$\n",
        "- a\n  $$\n  b\n  $$\n  c\n- d\n",
        # Items with much or little room, tabs, deep lists, numbers that repeat.
        "-     a\n\n  b\n\n  - c\n-   \n  d\n\n  e\n- f\n",
        "-\ta\n\n\tb\n\n\t- c\n\n\t  d\n\t- e\n- f\n",
        DEEP + f"{'  ' * 11}- a\n{'  ' * 11}- b\n\n{'  ' * 12}c\n- d\n",
        "1. a\n1. b\n1. c\n4. d\n5. e\n",
        # Line breaks of two characters, titles and code of several lines.
        "a\r\n\r\nb\r\n- c\r\n- d\r\n\r\n```\r\ne\r\n```\r\nf\r\n",
        "[a]: https://a.example\n'a title\nof two lines'\n\nb\n",
        "```\n" + "some words and more\n" * 60 + "```\nend\n",
        "> - a\n>\n>   ```python\n>   b = 1\n>   ```\n> - c\n>\n> d\n",
    ],
)
def test_a_text_that_comes_letter_by_letter_looks_right_each_time(text: str) -> None:
    page = GrowingPage()
    for end in range(len(text) + 1):
        page.show(text[:end])
        assert page.shown.html(LATER) == read(whole(text[:end])).html(LATER)
    assert_as_finished(page, text)


def test_a_block_in_doubt_has_the_direction_of_the_text_before_it() -> None:
    text = "שלום לכולם\n\n- אחת\n- שתיים\n\na b c שלום לכולם\n\nd\n"
    page = GrowingPage()
    for end in range(len(text) + 1):
        page.show(text[:end])
    assert page.shown.html() == read(render(text)).html()


def test_a_paragraph_without_an_end_is_shown_as_written_until_it_ends() -> None:
    words = "word **bold** word " * 20
    page = GrowingPage()
    text = "Before.\n\n"
    while len(text) < 3 * TAIL_CHARACTERS_MAX:
        text += words + "\n"
        page.show(text)
        assert "".join(page.shown.html().split()).count("word") == 2 * 20 * (
            text.count("\n") - 2
        )
    assert len(page.tail.html) < 2 * TAIL_CHARACTERS_MAX
    page.show(text + "\nNow **bold** again.")
    assert page.shown.html().endswith("<p>Now <strong>bold</strong> again.</p>")


def test_a_list_goes_on_with_its_numbers_and_headings_with_their_levels() -> None:
    text = "# A\n## B\n\n1. a\n1. b\n1. c\n\n### C\n\n9. x\n10. y\n100. z\n\n# D\n"
    page = GrowingPage()
    for end in range(len(text) + 1):
        page.show(text[:end])
    assert page.shown.html() == read(render(text)).html()


@pytest.mark.parametrize("definition", ["[a]: https://a.example", "[^1]: note"])
def test_a_reference_before_its_definition_is_text_until_the_end(
    definition: str,
) -> None:
    page = GrowingPage()
    page.show("See [a] and [^1].\n\nMore.\n\n")
    page.show(f"See [a] and [^1].\n\nMore.\n\n{definition}\n")
    assert "See [a] and [^1]." in page.shown.html()


def test_a_text_that_goes_on_with_another_one_goes_on_within_its_block() -> None:
    for first, second in [
        ("One.\n\n- two **th", "ree** four\n- five\n\nSix."),
        ("One.\n\n```js\nlet a =", " 1;\n```\n\nSix."),
        ("One", " two."),
        ("- one\n- two", "\n- three\n- four\n\nFive.\n\nSix.\n"),
        ("", "One."),
    ]:
        begun = grow_behind(first, "")
        page = GrowingPage(begun.state, read(begun.settled.html), begun.tail)
        for end in range(len(second) + 1):
            page.show(second[:end])
        assert page.shown.html(LATER) == read(render(first + second)).html(LATER)
    long = grow_behind("Ünïcödé " * (STATE_BYTES_MAX // 8), "")
    assert long.state == TextState(is_continuation=True)
    assert long.tail.html == ""


@pytest.mark.parametrize(
    "text",
    [
        *("[", "[]", "{}", "1", '["","","","",[],0]', '["","","","",["1"],false]'),
        *('["","","","",[true],false]', "[" * 700, '"' + "a" * STATE_BYTES_MAX + '"'),
    ],
)
def test_a_state_that_no_server_wrote_is_refused(text: str) -> None:
    with pytest.raises(InvalidTextState):
        TextState.load(text)


@settings(max_examples=1000 if IS_SOAK else 50, deadline=None)
@given(OUTPUTS | st.text(), st.text(), st.text(), st.lists(st.integers(), max_size=3))
def test_no_state_makes_other_html(
    head: str, lead: str, headings: str, numbers: list[int]
) -> None:
    state = TextState(head[:200] + "\n", lead[:200], headings[:9], "", (*numbers,))
    page = GrowingPage(state)
    page.settled = read("<div>" * 60)
    page.show("- some\n- words\n")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Some **bo", "<p>Some <strong>bo</strong></p>"),
        ("Some **bold*", "<p>Some <strong>bold</strong></p>"),
        ("Some **bold** **", "<p>Some <strong>bold</strong></p>"),
        ("2 ** 3", "<p>2 ** 3</p>"),
        ("Some ~~words ", "<p>Some <s>words</s></p>"),
        ("Some `co", "<p>Some <code>co</code></p>"),
        ("Some `a**b` `", "<p>Some <code>a**b</code></p>"),
        ("Words\n-", "<p>Words</p>"),
        ("Words\n> ##", "<p>Words</p>"),
        ("- a\n  **", "<ul><li>a</li></ul>"),
        ("```\n**", "<code>**</code>"),
        ("```\na\n`", "<code>a\n`</code>"),
        ("\\[\n**a\n**", "\\[\n**a\n**"),
        ("| a | b", "<thead><tr><th>a</th><th>b</th></tr></thead>"),
        ("| a | b |\n|--", "<thead><tr><th>a</th><th>b</th></tr></thead>"),
        ("| a |\n|-|\n| b | c", "<tr><td>b</td><td>c</td></tr>"),
        ("|x| is a size", "<th>x</th><th>is a size</th>"),
        ("See [a **b**](", "<p>See a <strong>b</strong></p>"),
        ("See [the docs](https:/", "<p>See the docs</p>"),
        (
            "See [it](http://a.example",
            '>it</a><span class="host">(a.example)</span></p>',
        ),
        (
            "[it](http://a.example/b_(c",
            '>it</a><span class="host">(a.example)</span></p>',
        ),
        ("**[it](http://a.example/)", ">(a.example)</span></strong></p>"),
        ("See [it](ftp", "<p>See [it](ftp</p>"),
    ],
)
def test_marks_are_not_shown_before_what_they_mean_is_clear(
    text: str, html: str
) -> None:
    page = GrowingPage()
    page.show(text)
    assert html in page.shown.html()


def test_a_row_at_the_beginning_of_a_tail_is_no_header() -> None:
    text = "| a | b |\n|-|-|\n| c | d |\n| e | f |\n| g | h |\n| i | j |"
    page = GrowingPage()
    for end in range(len(text)):
        page.show(text[:end])
        assert page.shown.html().count("<th>") <= 2
        assert ">-" not in page.shown.html()


def test_a_cached_text_grows_into_its_whole() -> None:
    cache = GrowingTextCache(entries_max=2)
    long = "word **bold** word " * 400
    for number, reply in enumerate((*REPLIES, f"- a\n- b\n- {long}\n\nEnd\n\nof it\n")):
        for end in range(0, len(reply) + 1, 31):
            shown = cache.render(str(number), reply[:end])
            AllowedHtml(shown)
            if LONG_AS_WRITTEN not in shown:
                assert read(shown).html(LATER) == read(whole(reply[:end])).html(LATER)
    assert cache.render(str(number), "Another") == whole("Another")


def test_a_cached_text_takes_no_more_steps_the_longer_it_is() -> None:
    steps = []
    for length in (2_000, 32_000):
        text = (GROWING["list"] * length)[:length]
        cache = GrowingTextCache(entries_max=1)
        cache.render("a", text)
        steps.append(steps_of(partial(cache.render, "a", text + " more")))
    short, long = steps
    assert long < 1.5 * short + 500
