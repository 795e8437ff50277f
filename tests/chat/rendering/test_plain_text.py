"""What an excerpt of a reply leaves out of its Markdown."""

from __future__ import annotations

import pytest

from chat.rendering.plain_text import without_marks


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("## The options\n\nTwo", "The options\n\nTwo"),
        (
            "| you need | take |\n|---|--:|\n| wind | a sail |",
            "you need · take\n\nwind · a sail",
        ),
        ("- one\n* two\n  + three\n- [x] done", "one\ntwo\nthree\ndone"),
        ("> > quoted", "quoted"),
        ("```python\nprint(1)\n```", "\nprint(1)\n"),
        ("a **bold** and *slanted* `word`~~s~~", "a bold and slanted words"),
        ("see [the page](https://example.org/a) now", "see the page now"),
        ("above\n\n---\n\nbelow", "above\n\n\n\nbelow"),
        # What is no mark stays.
        (
            "2 * 3 * 4 and a*b, snake_case, #5, 1. first",
            "2 * 3 * 4 and a*b, snake_case, #5, 1. first",
        ),
        ("a | b and [x] and (y)", "a | b and [x] and (y)"),
    ],
)
def test_marks_are_left_out_and_words_stay(written: str, read: str) -> None:
    assert without_marks(written) == read


@pytest.mark.parametrize(
    "hostile", ["[", "*", "|", ">", "[a](", "* ", "`", "  |", "*a", "![x]("]
)
def test_a_long_row_of_marks_is_read_once(hostile: str) -> None:
    """A pattern that reads it again for each mark would take hours here."""
    without_marks(hostile * (200_000 // len(hostile)))
