"""The form of scripts and styles, for which no linter is installed."""

from __future__ import annotations

import re

import pytest

from tests.processes import ROOT

MODULES = sorted((ROOT / "static" / "chat").glob("*.js"))
TESTS = sorted((ROOT / "tests" / "browser" / "modules").glob("*.js"))
STYLES = sorted([*(ROOT / "styles").glob("*.css"), ROOT / "static" / "admin.css"])
#: The browser starts it by itself, not a page.
SERVICE_WORKER = "service_worker.js"
MAX_LINE = 120
MAX_LINES = 300


@pytest.mark.parametrize(
    "path", [*MODULES, *TESTS, *STYLES], ids=lambda path: path.name
)
def test_lines_are_short(path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert not [line for line in lines if len(line) > MAX_LINE or line != line.rstrip()]


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_a_stylesheet_is_short_and_says_what_it_is_for(path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("/*")
    assert len(text.splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_is_short_and_says_what_it_is_for(path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("/**\n * ")
    assert len(text.splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_what_a_module_exports_is_described(path) -> None:
    exported = re.findall(r"(.*)\nexport (.*)", path.read_text("utf-8"))
    assert not [name for before, name in exported if not before.endswith("*/")]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_module_exports_a_variable_that_changes(path) -> None:
    """State belongs to one module, behind functions."""
    assert not re.findall(r"export (?:let|var) .*", path.read_text("utf-8"))


def test_every_module_is_a_script_of_its_page() -> None:
    """All are asked for at once, but those that are imported once they are needed."""
    of_all, of_forms, of_conversations = [
        scripts_of(page)
        for page in (
            "layout/_scripts.html",
            "layout/_form_scripts.html",
            "conversations/conversation.html",
        )
    ]
    modules = {path.name for path in MODULES} - {SERVICE_WORKER}
    later = {one for name in modules for one in imports_of(name, "import[(]")}
    assert {*of_all, *of_forms, *of_conversations, *later} == modules
    assert not later & {*of_all, *of_forms}
    for listed in (of_all, of_forms, of_all + of_conversations):
        assert {one for path in listed for one in imports_of(path)} <= {*listed}
        assert listed[0] == "page.js"


def scripts_of(page: str) -> list[str]:
    text = (ROOT / "templates" / page).read_text("utf-8")
    return re.findall(r"""type="module" src="{% static 'chat/(.+?)' %}""", text)


def imports_of(module: str, word: str = "from ") -> list[str]:
    text = (ROOT / "static" / "chat" / module).read_text("utf-8")
    return re.findall(rf'{word}"\./(.+?)"', text)
