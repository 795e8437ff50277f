"""The page's modules by themselves: each test has a new page, and no site behind it.

The tests are JavaScript, in ``modules/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, Route

from tests.processes import ROOT

FOLDER = Path(__file__).parent / "modules"
ORIGIN = "http://modules.test"
#: Where files of the origin are, by the beginning of their paths.
FOLDERS = {"/chat/": ROOT / "static" / "chat", "/tests/": FOLDER}
TESTS = [
    pytest.param(path.name, name, id=f"{path.stem.removeprefix('test_')}: {name}")
    for path in sorted(FOLDER.glob("test_*.js"))
    for name in re.findall(r'^test\("(.+?)", ', path.read_text("utf-8"), re.MULTILINE)
]
RUN = """async ([file, name]) => {
  await import(`/tests/${file}`);
  const { run } = await import("/tests/harness.js");
  await run(name);
}"""


def serve(route: Route) -> None:
    """Answer from the folders; every other path is a page without scripts."""
    path = route.request.url.removeprefix(ORIGIN)
    for beginning, folder in FOLDERS.items():
        if path.startswith(beginning):
            return route.fulfill(path=folder / path.removeprefix(beginning))
    return route.fulfill(path=FOLDER / "blank.html")


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 800, "height": 600})
    context.route("**/*", serve)
    yield context.new_page()
    context.close()


@pytest.fixture
def blank(page: Page) -> Iterator[Page]:
    """A page that knows nothing; no error may be left in it at the end."""
    errors: list[str] = []
    listen = partial(_note, errors)
    page.on("pageerror", listen)
    page.goto(f"{ORIGIN}/")
    page.evaluate("localStorage.clear(); sessionStorage.clear()")
    yield page
    page.remove_listener("pageerror", listen)
    assert not errors


def _note(errors: list[str], error: Error) -> None:
    errors.append(str(error))


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_module(blank: Page, file: str, name: str) -> None:
    blank.evaluate(RUN, [file, name])
