"""Highlighted code is unchanged code."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.rendering.code_highlight import LANGUAGES, default_file_name, highlight
from chat.rendering.markdown import render
from tests.chat.rendering.visible_words import text_of
from tests.dom import dom
from tests.environment import IS_SOAK

PIECES = (
    *("def f(x):\n\treturn 'a'  # c", "\tx\n", "a\u00a0b", "\n\n x\n\n", "<?php 1; ?>"),
    *("$ ls\nout\n", ">>> 1\n1\n", "In [1]: 2", "-- c", "/* ", '"""', "#include <x>\n"),
    *("{{ a }}", "@@ -1 +1 @@\n-a\n+b", "x = 1;", "\u202e", "'", "`", "a:\n  - b\n"),
)
CODE = st.lists(
    st.sampled_from(PIECES) | st.text("ab1 \n\t'\"#;(){}<>=&\\/*-:$%@[]"), max_size=8
).map("".join)


@settings(max_examples=5000 if IS_SOAK else 100, deadline=None)
@given(st.sampled_from(LANGUAGES), CODE)
def test_highlighting_changes_no_character(language: str, code: str) -> None:
    html = highlight(code, language)
    assert not html or text_of(html) == code


@pytest.mark.parametrize("language", ["python", "console", "diff", "html"])
def test_code_without_a_last_line_break_is_highlighted_without_one(
    language: str,
) -> None:
    assert text_of(highlight("a = 1\n  b", language)) == "a = 1\n  b"


def test_code_from_which_a_lexer_removes_characters_stays_plain() -> None:
    assert highlight("\ufeffa = 1\n", "python") == ""


@pytest.mark.parametrize("language", ["", "python"])
def test_a_direction_control_is_named_and_stays(language: str) -> None:
    html = render(f"`a\u202eb`\n\n```{language}\nx = '\u2066'\n```")
    assert 'aria-label="U+202E">\u202e</span>b' in html
    assert 'aria-label="U+2066">\u2066</span>' in html
    assert text_of(html.split("<code>")[2]).startswith("x = '\u2066'\n")


@pytest.mark.parametrize("language", ["", "python"])
@pytest.mark.parametrize(
    "hidden",
    [
        *("\u061c", "\u200e", "\u200f", "\u202b", "\u2067", "\u206c"),
        *("\u00ad", "\u200b", "\u2060", "\u2062", "\u3164", "\ufeff", "\ufffa"),
        *("\U000e0001", "\U000e0041", "\U000e007f"),
    ],
)
def test_invisible_and_reordering_characters_are_named_and_stay(
    hidden: str, language: str
) -> None:
    code = f"x = 9 {hidden}-{hidden} 3\n"
    html = render(f"`a{hidden}b`\n\n```{language}\n{code}```")
    boxed = f'aria-label="U+{ord(hidden):04X}">{hidden}</span>'
    assert html.count(boxed) == 3
    assert text_of(html.split("<code>")[2]).startswith(code)


@pytest.mark.parametrize("needed", ["\u200c", "\u200d", "\ufe0f", "\U000e0100"])
def test_joiners_in_code_are_left_alone(needed: str) -> None:
    assert 'class="control"' not in render(f"`a{needed}b`\n\n```\na{needed}b\n```")


def test_direction_marks_in_text_are_left_alone() -> None:
    assert 'class="control"' not in render("a\u200fb \u00ad \U0001f3f4\U000e0067")


def test_every_listed_language_is_highlighted() -> None:
    code = "if (x == 1) { return 2; }\n"
    assert not [name for name in LANGUAGES if not highlight(code, name)]


@pytest.mark.parametrize(
    ("info", "name"),
    [
        *(("python", "code.py"), ("Rust,ignore", "code.rs"), ("js{1,3}", "code.js")),
        *(("dockerfile", "Dockerfile"), ("makefile", "Makefile"), ("r", "code.R")),
        *(("c++", "code.cpp"), ("bash", "code.sh"), ("yml", "code.yml")),
        *(("", "code.txt"), ("text", "code.txt"), ("a-strange-language", "code.txt")),
        *(("csv", "code.csv"), ("F90", "code.f90"), ("console", "code.txt")),
        *(('python title="read me.py"', "read me.py"), ("js app.js", "app.js")),
        *(("rust:main.rs", "main.rs"), ("notes.txt", "notes.txt")),
        # No folder, no hidden file, no mark that reorders the letters of a name.
        *(("py ../../x.sh", "code.py"), ("py /etc/x.sh", "code.py")),
        *(("py .profile", "code.py"), ("py title='a\u202etxt.sh'", "code.py")),
    ],
)
def test_a_block_of_code_has_a_fitting_file_name(info: str, name: str) -> None:
    button = dom(render(f"```{info}\nx\n```")).one("button.download")
    assert button["value"] == name
    assert button.text == f"Download {name}"


def test_every_language_has_a_file_name() -> None:
    names = [default_file_name(language) for language in LANGUAGES]
    assert names.count("code.txt") < len(names) / 20
