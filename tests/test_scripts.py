"""The form of scripts and styles, for which no linter is installed."""

from __future__ import annotations

import re

import pytest

from tests.processes import ROOT

MODULES = sorted((ROOT / "static" / "chat").glob("*.js"))
TESTS = sorted((ROOT / "tests" / "browser" / "modules").glob("*.js"))
STYLES = sorted((ROOT / "static").glob("*.css"))
MAX_LINE = 120
MAX_LINES = 300


@pytest.mark.parametrize(
    "path", [*MODULES, *TESTS, *STYLES], ids=lambda path: path.name
)
def test_lines_are_short(path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert not [line for line in lines if len(line) > MAX_LINE or line != line.rstrip()]


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


def test_every_module_is_a_script_of_the_page() -> None:
    """All are asked for at once; none is found only when another one imports it."""
    modules = {path.name for path in MODULES}
    layout = ROOT / "templates" / "layout"
    for name, lacking in (
        ("_scripts.html", {"forms.js", "attachments.js"}),
        ("_form_scripts.html", ()),
    ):
        page = (layout / name).read_text("utf-8")
        listed = re.findall(r"""type="module" src="{% static 'chat/(.+?)' %}""", page)
        imported = {one for path in listed for one in imports_of(path)}
        assert imported <= {*listed}
        assert not lacking or {*listed} == modules - {*lacking}
        assert listed[0] == "page.js"


def imports_of(module: str) -> list[str]:
    text = (ROOT / "static" / "chat" / module).read_text("utf-8")
    return re.findall(r"""from "\./(.+?)";""", text)
