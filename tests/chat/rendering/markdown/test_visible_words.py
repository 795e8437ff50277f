"""Every word that a model writes is visible."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.rendering.markdown import render
from tests.chat.rendering.allowed_html import AllowedHtml
from tests.chat.rendering.visible_words import VisibleText, hidden_words
from tests.environment import IS_SOAK
from tests.everyday_replies import REPLIES
from tests.hostile_replies import FROM_FAMILIES, OUTPUTS, corpus

#: Longer outputs are shown as written, which has tests of its own.
LONG = 20_000
MARKS = "abcdefgh12 \n\n\t*_[]()<>`~#|-:.!&;\"'\\=x>$/"
#: A reply that was stopped, or its parts in another order.
LINES = [line for reply in REPLIES for line in reply.splitlines()]
MIXED = st.lists(st.sampled_from([*LINES, "", "  ", "> ", "- ", "    "])).map("\n".join)


@pytest.mark.parametrize("reply", REPLIES)
def test_every_word_of_a_reply_is_shown_wherever_it_is_cut(reply: str) -> None:
    step = 1 if IS_SOAK else 23
    for end in [*range(1, len(reply), step), len(reply)]:
        assert hidden_words(reply[:end]) == []


def test_every_word_of_the_hostile_corpus_is_shown() -> None:
    for text in corpus(1 if IS_SOAK else 7):
        assert len(text) > LONG or hidden_words(text) == [], text


@settings(max_examples=5000 if IS_SOAK else 100, deadline=None)
@given(OUTPUTS | FROM_FAMILIES | MIXED | st.text(MARKS, max_size=200))
def test_every_word_of_any_text_is_shown(text: str) -> None:
    assert len(text) > LONG or hidden_words(text) == []


@pytest.mark.parametrize("mark", ["- ", "> ", "1. ", "> - ", "- > 1. ", "+\t"])
@pytest.mark.parametrize("depth", [5, 9, 10, 11, 12, 20, 21, 300])
def test_blocks_nested_too_deeply_are_shown_as_written(mark: str, depth: int) -> None:
    text = f"Here:\n\n{mark * depth}the answer is 42\n\nafter it"
    assert hidden_words(text) == []
    assert "the answer is 42" in AllowedHtml(render(text)).text


def test_lines_too_deep_keep_their_shape() -> None:
    text = "".join("  " * step + f"- x{step}\n" for step in range(15)) + "\nlast"
    shown = AllowedHtml(render(text)).text
    assert "\n- x10\n  - x11\n    - x12\n      - x13\n        - x14\n" in shown
    assert render(text).endswith("<p>last</p>\n")


def test_only_an_item_is_too_deep_not_the_whole_list() -> None:
    html = render("- " * 12 + "deep\n- next *item*")
    assert "- - deep</div>" in html
    assert html.endswith("<li>next <em>item</em></li>\n</ul>\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[1]: https://a.example/x", "[1]: https://a.example/x"),
        ("[1]: <https://a.example> 'T'", "[1]: https://a.example 'T'"),
        ("[a]: https://a.example\n[b]: https://b.example", None),
        ("[a]: https://a.example/1\n[a]: https://a.example/2", None),
        ("> [a]: https://a.example/1 'two\n> lines'", None),
        ("[^1]: https://a.example", None),
        ("[ß\\]]: https://a.example/%20\n  (title)", None),
        ("[1]:\nhttps://a.example/x", "[1]:\nhttps://a.example/x"),
        (
            "[1]: https://\u043f.example",
            "[1]: https://\u043f.example (xn--o1a.example)",
        ),
    ],
)
def test_a_definition_is_text_with_a_link(text: str, shown: str | None) -> None:
    read = AllowedHtml(render(f"Sources:\n\n{text}"))
    said = "\n".join(line.removeprefix("> ") for line in text.splitlines())
    assert read.text.split("Sources:\n")[1].strip() == (shown or said)
    assert len(read.links) == text.count("]:")


def test_definitions_below_each_other_are_lines_of_one_paragraph() -> None:
    html = render("[1]: https://a.example\n[2]: https://b.example\nmore")
    assert html.count("<p>") == 2
    assert html.count("<br />") == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[the docs][d]", "the docs [d] (a.example)"),
        ("[D]", "D (a.example)"),
        ("[d][]", "d (a.example)"),
        ("[`a][b`][d]", "a][b [d] (a.example)"),
    ],
)
def test_a_reference_names_its_definition(text: str, shown: str) -> None:
    html = render(f"{text}\n\n[d]: https://a.example 'about it'")
    assert AllowedHtml(html).text.splitlines()[0] == shown
    assert html.count("about it") == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[x](https://a.example/b 'The title')", 'x (a.example) "The title"'),
        ('![x](https://a.example/b (a "t"))', '!x (a.example) "a "t""'),
        ("[a.example/b](https://a.example/b '<b>')", 'a.example/b "<b>"'),
        ("[](https://a.example/b)", "https://a.example/b"),
        ("[ \n](<https://a.example/b>)", "https://a.example/b"),
    ],
)
def test_titles_and_addresses_without_text_are_text(text: str, shown: str) -> None:
    assert " ".join(AllowedHtml(render(text)).text.split()) == shown


@pytest.mark.parametrize(
    "info", ["python title='a b.py'", "js{1,3}", "rust,ignore", "x" * 300, "a &amp; b"]
)
def test_all_words_behind_a_fence_are_its_caption(info: str) -> None:
    html = render(f"```{info}\nlet a = 1\n```")
    assert AllowedHtml(html).text.startswith(info)
    assert ("hl-" in html) == (info[0] in "pjr")


def test_cells_beyond_the_header_are_cells() -> None:
    html = render(
        "|a|b|\n|-|-|\n|1|2|*3*|4|\n|5|\n|`6|7`|8||\n\n> |c|\n> |-|\n> |9|10|"
    )
    rows = [re.findall(r"<td>(.*)</td>", row) for row in html.split("<tr>")]
    assert rows[2:5] == [
        ["1", "2", "<em>3</em>", "4"],
        ["5", ""],
        ["`6", "7`", "8", ""],
    ]
    assert rows[-1] == ["9", "10"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("1 2 3", "1 2 3"),
        ("7 8 9", "7 8 9"),
        ("3 2 1", "3 2 1"),
        ("1 1 1", "1 2 3"),
        ("0 0", "0 1"),
        ("1 3 3 3 9", "1 3 4 5 9"),
        ("1986", "1986"),
        ("2 4 1", "2 4 1"),
    ],
)
def test_items_keep_the_numbers_that_were_written(written: str, shown: str) -> None:
    for before in ("", "> ", "- "):
        items = "\n".join(f"{number}. x" for number in written.split())
        text = before + items.replace("\n", "\n" + before.replace("-", " "))
        read = VisibleText(render(text)).text
        assert " ".join(re.findall(r"(\d+)\.", read)) == shown


def test_nested_lists_have_numbers_of_their_own() -> None:
    text = "4. a\n   9. b\n   11. c\n6. d"
    assert re.findall(r"(\d+)\.", VisibleText(render(text)).text) == [
        "4",
        "9",
        "11",
        "6",
    ]


@pytest.mark.parametrize(
    ("number", "digits"), [(7, ""), (10, ""), (100, "3"), (1986, "4")]
)
def test_a_list_has_room_for_its_numbers(number: int, digits: str) -> None:
    html = render(f"1. a\n{number}. b\n2. c")
    assert re.findall(r'class="digits-(\d)"', html) == [digits] * bool(digits)
