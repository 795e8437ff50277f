"""Boxes that are ticked, line breaks, and the direction of blocks."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.rendering.markdown import render
from tests.chat.rendering.allowed_html import AllowedHtml
from tests.hostile_replies import FROM_FAMILIES, OUTPUTS


@pytest.mark.parametrize(
    ("item", "state"),
    [
        ("[ ] milk", ' aria-label="To do"'),
        ("[x] milk", ' checked aria-label="Done"'),
        ("[X]\tmilk", ' checked aria-label="Done"'),
    ],
)
@pytest.mark.parametrize("mark", ["- ", "* ", "1. ", "> - ", "- a\n  - ", "-   "])
def test_a_box_is_a_disabled_checkbox_with_a_name(
    item: str, state: str, mark: str
) -> None:
    html = render(mark + item)
    assert f'<input class="box" type="checkbox" disabled{state}> milk' in html
    assert html.count("<input") == 1
    AllowedHtml(html)


def test_the_box_stands_in_the_first_line_of_its_item() -> None:
    assert '<li class="task-list-item"><input' in render("- [x] a\n\n  b\n- [ ] c")
    assert "<h4><input" in render("- [x] # a")
    assert render("- [x] - a\n- [ ] ```\n  b\n  ```").count(" checked ") == 1


@pytest.mark.parametrize(
    "text", ["- [x]", "- [x]y", "- [ ]", "- [y] z", "[x] y", "- a [x] b", "- [x](y) z"]
)
def test_everything_else_is_not_a_box(text: str) -> None:
    assert 'class="box"' not in render(text)
    assert "[" in AllowedHtml(render(text)).text


@pytest.mark.parametrize("tag", ["<br>", "<br/>", "<br />", "<BR>"])
def test_a_break_in_a_cell_breaks_its_line(tag: str) -> None:
    html = render(f"|a{tag}b|\n|-|\n|1{tag}**2{tag}3**|")
    assert "<th>a<br />\nb</th>" in html
    assert "<td>1<br />\n<strong>2<br />\n3</strong></td>" in html
    AllowedHtml(html)


@pytest.mark.parametrize(
    "text",
    [
        "a <br> b",
        "# a <br> b",
        "|a|\n|-|\n|<br>|",
        "|a|\n|-|\n|`<br>`|",
        "|a|\n|-|\n|b \\<br> c|",
        "|a|\n|-|\n|&lt;br> c|",
    ],
)
def test_a_break_tag_that_is_the_subject_is_text(text: str) -> None:
    assert "<br>" in AllowedHtml(render(text)).text


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("- HTML היא שפת סימון\n- CSS היא שפת עיצוב", "rtl"),
        ("Python:\n\n- שלום\n- עולם", "rtl"),
        ("1. React مكتبة جافاسكريبت\n2. Vue إطار عمل", "rtl"),
        ("> HTML היא שפת סימון", "rtl"),
        ("|HTML|שפת סימון|\n|-|-|\n|CSS|שפת עיצוב|", "rtl"),
        ("שלום לכולם וברוכים הבאים\n\n- React ספריה\n- Vue ספריה", "rtl"),
        ("A list of words:\n\n- house: בית\n- dog: כלב", "ltr"),
        ("- שלום is how people greet each other", "ltr"),
        ("- שלום\n  - x y z w", "ltr"),
        ("- a\n\nשלום לכולם\n\n> ב", "ltr rtl"),
        ("- `code only here` ב", "rtl"),
    ],
)
def test_bullets_stand_where_most_lines_begin(text: str, sides: str) -> None:
    html = render(text)
    AllowedHtml(html)
    assert (
        " ".join(re.findall(r'<(?:ul|ol|blockquote|table) dir="(\w+)"', html)) == sides
    )


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("Python היא שפה נהדרת", '<p dir="rtl">'),
        ("# Python היא שפה נהדרת", '<h4 dir="rtl">'),
        ("שלום is how people greet", '<p dir="ltr">'),
        ("שלום לכולם", "<p>"),
        ("- HTML היא שפת סימון", '<li dir="rtl">'),
        ("- שלום לכולם\n- English item", "<li>English"),
        ("Only English, 123", "<p>"),
        ("123 456\n\nא", "<p>"),
    ],
)
def test_a_block_whose_first_letter_misleads_gets_a_direction(
    text: str, block: str
) -> None:
    assert block in render(text)


@settings(max_examples=200, deadline=None)
@given(OUTPUTS | FROM_FAMILIES | st.text("אבa1 \n->|*[]x<br>:", max_size=80))
def test_these_texts_become_only_text_and_links(text: str) -> None:
    AllowedHtml(render(f"|{text}\n|-|\n|{text}|\n\n- [x] {text}\nא"))


BREAKS = ("\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\r", "\r\n", "&#12;")


@pytest.mark.parametrize("mark", BREAKS)
def test_every_line_break_breaks_the_line(mark: str) -> None:
    assert "<p>one<br />\ntwo <em>3<br />\n4</em></p>" in render(
        f"one{mark}two *3{mark}4*"
    )
    assert (
        "one\ntwo"
        in AllowedHtml(render(f"\\(one{mark}two\\)".replace("&#12;", "\n"))).text
    )
    assert (
        "one two" in AllowedHtml(render(f"[x](https://a.example 'one{mark}two')")).text
    )


@pytest.mark.parametrize("control", ["\x07", "\x1b", "\x7f"])
def test_a_control_character_does_not_join_words(control: str) -> None:
    assert "one two" in render(f"one{control}two")
    assert "one two" in render("- " * 15 + f"one{control}two")
    assert "one two" in render(f"one{control}two " * 20_000)


@pytest.mark.parametrize("mark", ["\x0b", "\x0c", "\u2028", "\x85", "\x07"])
def test_a_break_in_code_is_named_and_stays(mark: str) -> None:
    name = f'aria-label="U+{ord(mark):04X}">{mark}</span>b'
    assert name in render(f"`a{mark}b`")
    assert name in render(f"```\na{mark}b\n```")


def test_a_table_stands_at_the_edge_where_its_lines_begin() -> None:
    html = render("שלום לכולם\n\n| שם | מספר |\n|-|-|\n| אלף | 1 |\n\n|a|b|\n|-|-|\n")
    boxes = re.findall(r'<div class="table"[^>]*><table[^>]*>', html)
    assert ['dir="rtl"' in box for box in boxes] == [True, False]
    assert all(box.count("dir=") == 2 for box in boxes)
