"""What people read is marked for translation, in scripts and in Python.

Templates have a test of their own, and so have pages, in a language of marks only.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.translations.catalogs import ROOT

SCRIPTS = sorted(ROOT.glob("static/**/*.js"))
COMMENTS = re.compile(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", re.DOTALL)
#: Two words or more, of which the first begins a sentence.
SENTENCE = re.compile(r"""["'`](?=[A-Z][a-z’']* [a-z])[^"'`\n]+["'`]""")
#: Words that are shown or said where they stand.
SHOWN = re.compile(
    r"""(?:\.(?:textContent|innerText|title|placeholder|ariaLabel)\s*=\s*"""
    r"""|(?:announce|showRefusal|alert|confirm|Notification)\(\s*"""
    r"""|setAttribute\("(?:aria-label|title|placeholder)",\s*)["'`][^"'`]*[a-zA-Z]{2}"""
)
#: Calls whose texts people read.
READ = {"ApiError", "MessageRefused", "ValidationError", "HttpResponse", "Http404"}


def words_of_a_script(source: str) -> list[str]:
    code = COMMENTS.sub("", source)
    return [match[0] for kind in (SENTENCE, SHOWN) for match in kind.finditer(code)]


def words_of_a_module(source: str) -> Iterator[str]:
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in READ:
            for argument in (*call.args, *(one.value for one in call.keywords)):
                is_text = isinstance(argument, ast.Constant | ast.JoinedStr)
                text = ast.unparse(argument) if is_text else ""
                if re.search(r"[a-z] [a-z]", text):
                    yield text


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('say("The reply is ready.")', 1),
        ('button.textContent = "Copied"', 1),
        ("announce(`ready`)", 1),
        ('it.setAttribute("aria-label", "Close")', 1),
        ('// It\'s done: "Now go on".\nannounce(wording.ready)', 0),
        ('button.textContent = "✓"', 0),
        ("element.closest('.menu > button')", 0),
    ],
)
def test_words_in_a_script_are_found(source: str, count: int) -> None:
    assert len(words_of_a_script(source)) == count


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_have_their_words_from_the_page(path: Path) -> None:
    assert words_of_a_script(path.read_text("utf-8")) == []


def test_words_in_a_module_are_found() -> None:
    assert [*words_of_a_module('ApiError(400, "bad", "send a text")')] == [
        "'send a text'"
    ]
    assert [*words_of_a_module('ApiError(400, "bad", _("send a text"))')] == []


def test_refusals_and_errors_are_translated() -> None:
    found = [
        (path.name, text)
        for path in (ROOT / "chat").rglob("*.py")
        for text in words_of_a_module(path.read_text("utf-8"))
    ]
    assert found == []
