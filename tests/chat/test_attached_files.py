"""Files at the beginning of a message: what is a file, and that nothing is lost."""

from __future__ import annotations

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from chat.attached_files import split_files, without_files
from chat.models.conversation import title_from
from chat.rendering.user_message import message_html
from tests.dom import dom

ONE = '```py title="a.py"\nprint(1)\n```'
FENCED = '````md title="b c.md"\n```\nx\n```\n````'
#: The same examples are read by the script: tests/browser/modules/test_attachments.js.
MESSAGES = [
    (f"{ONE}\n\nwhat is this?", ["a.py"], "what is this?"),
    (f"{ONE}\n\n{FENCED}\n\n\nlook", ["a.py", "b c.md"], "\nlook"),
    (f"{ONE}\n{FENCED}", ["a.py", "b c.md"], ""),
    ('```text title="x"\n```', ["x"], ""),
    (f"first {ONE}", [], f"first {ONE}"),
    ('```py title="a.py"\nprint(1)', [], '```py title="a.py"\nprint(1)'),
    ('```py title="a.py"\n``` x\n````\n```', ["a.py"], ""),
    ("```py\nprint(1)\n```", [], "```py\nprint(1)\n```"),
]
PIECES = ['```py title="a.py"\n', "```", "````", "\n", "\n\n", "x", '"', " title="]


@pytest.mark.parametrize(("text", "names", "typed"), MESSAGES)
def test_a_message_begins_with_files(text: str, names: list[str], typed: str) -> None:
    files, rest = split_files(text)
    assert ([file.name for file in files], rest) == (names, typed)


def test_a_file_keeps_its_text() -> None:
    files, _ = split_files(f"{ONE}\n\n{FENCED}")
    assert [file.content for file in files] == ["print(1)\n", "```\nx\n```\n"]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_nothing_of_a_message_is_lost(text: str) -> None:
    files, typed = split_files(text)
    parts = [file.opening + file.content + file.closing for file in files]
    assert "".join([*parts, typed]) == text
    page = dom(f"<div>{message_html(text)}</div>")
    shown = page.one("div").raw_text
    for label in page.all("summary"):
        shown = shown.replace(label.raw_text, "", 1)
    assert shown == text


def test_a_file_in_a_message_is_folded_up_under_its_name() -> None:
    page = dom(message_html('```html title="<b>.html"\n<script>x</script>\n```\n\n<i>'))
    assert page.one("details summary .name").text == "<b>.html"
    assert page.one("details pre").raw_text == "<script>x</script>\n"
    assert "script" not in page
    assert "i" not in page


@pytest.mark.parametrize(("characters", "size"), [(1, "0.1 kB"), (3249, "3.2 kB")])
def test_a_file_says_its_size(characters: int, size: str) -> None:
    html = message_html(f'```text title="x"\n{"x" * (characters - 1)}\n```')
    assert dom(html).one(".size").text == size


def test_a_size_is_written_as_the_language_does() -> None:
    with translation.override("de"):
        html = message_html(f'```text title="x"\n{"x" * 1499}\n```')
    assert dom(html).one(".size").text == "1,5 kB"


def test_a_title_is_of_what_was_typed_or_names_the_files() -> None:
    assert title_from(f"{ONE}\n\nwhat is this?") == "what is this?"
    assert title_from(f"{ONE}\n\n{FENCED}\n") == "a.py, b c.md"
    assert without_files("plain") == "plain"
