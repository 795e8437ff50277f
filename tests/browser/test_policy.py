"""What the browser is told to forbid is forbidden, and nothing that works needed it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, expect

from tests.browser.conftest import Site, Worker
from tests.browser.user_actions import becomes_true, begin

#: Reports every violation of the policy, also of what the page caught itself.
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


@pytest.fixture
def watched(
    guest: Callable[..., BrowserContext], worker: Worker, site: Site
) -> Iterator[BrowserContext]:
    """A browser that notes what it asks for and what it complains of."""
    context = guest()
    context.add_init_script(WATCH)
    asked: list[str] = []
    complaints: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    def listen(said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            complaints.append(said.text)

    context.on("request", note)
    context.on("console", listen)
    yield context
    elsewhere = {
        url
        for url in asked
        if urlsplit(url).netloc != urlsplit(site.url).netloc
        and urlsplit(url).scheme != "data"
    }
    assert asked
    assert not elsewhere
    assert not complaints


def violations(page: Page) -> list[str]:
    found: list[str] = page.evaluate("window.violations")
    return found


def test_a_whole_visit_asks_no_other_host_and_breaks_no_rule(
    watched: BrowserContext, worker: Worker
) -> None:
    page = watched.new_page()
    page.goto("/")
    page.fill("#text", "What is a queue?")
    # As extensions do; htmx would write the attribute of an element that it replaces.
    page.locator("#poller").evaluate("poller => (poller.style.color = 'red')")
    page.locator("#key").evaluate("key => (key.style.color = 'red')")
    page.keyboard.press("Enter")
    claim = worker.claim()
    worker.write(claim, "It is **a line**, see https://example.org/ and ")
    expect(page.locator(".text.live")).to_have_text(re.compile("It is"))
    worker.finish(claim, "![a picture](https://example.org/picture.png)\n")
    expect(page.locator(".text strong")).to_have_text("a line")
    assert violations(page) == []
    for path in ("/settings/", "/history/", "/delete-all/", "/search/?q=line"):
        page.goto(path)
        assert violations(page) == []


@pytest.mark.parametrize(
    "path", ["/account/", "/settings/", "/search/?q=line", "/c/settings/"]
)
def test_a_page_without_a_message_box_takes_what_a_poll_tells(
    watched: BrowserContext, worker: Worker, path: str
) -> None:
    page = watched.new_page()
    page.goto("/")
    if path == "/c/settings/":
        begin(page, "one")
        path = f"{page.url}settings/"
    page.goto(path)
    chip = page.locator("#model-button")
    expect(chip).not_to_contain_text("offline")
    worker.leave(worker.announce())
    expect(chip).to_contain_text("offline")
    assert violations(page) == []


@pytest.mark.parametrize(
    "script",
    [
        "eval('1')",
        "new Function('return 1')()",
        "document.createElement('script').src = '/static/chat/page.js'",
        "document.createElement('script').text = 'alert(1)'",
        "setTimeout('1')",
    ],
)
def test_nothing_but_a_file_of_the_site_becomes_script(
    guest: Callable[..., BrowserContext], worker: Worker, script: str
) -> None:
    page = guest().new_page()
    page.goto("/")
    # From a timer: what a debugger runs by itself may use eval.
    refused = page.evaluate(
        "new Promise((tell) => setTimeout(() => {"
        f"try {{ {script}; tell('ran') }} catch (error) {{ tell(error.name) }} }}))"
    )
    assert refused in ("EvalError", "TypeError")


def test_what_would_run_inline_does_not(
    guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = guest().new_page()
    page.goto("/")
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend',"
        '\'<img id=probe src=/no/such onerror="document.title=1">'
        '<p id=red style="color: rgb(255, 0, 0)">red</p>\')'
    )
    becomes_true(page, "document.getElementById('probe').complete")
    assert page.title() != "1"
    colour = "getComputedStyle(document.getElementById('red')).color"
    assert page.evaluate(colour) != "rgb(255, 0, 0)"
