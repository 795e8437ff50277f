"""The same page under htmx 4: a smoke test, so that moving to it is no adventure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import django_htmx
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from chatsite import wire
from tests.browser.conftest import Worker
from tests.browser.stage import last, say

SCRIPT = Path(django_htmx.__file__).parent / "static/django_htmx/htmx-4.min.js"
HTMX = re.compile(r"/htmx-2[.\w-]*\.js")


@pytest.fixture
def page(guest: Callable[..., BrowserContext], worker: Worker) -> Iterator[Page]:
    """A page whose htmx is another version; the product does not change."""

    def exchange(route: Route) -> None:
        route.fulfill(path=SCRIPT, content_type="text/javascript")

    context = guest()
    context.route(HTMX, exchange)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    assert not errors


def test_sending_growing_stopping_and_finishing(page: Page, worker: Worker) -> None:
    page.goto("/")
    assert page.evaluate("htmx.version").startswith("4.")
    say(page, "one")
    page.wait_for_url(re.compile("/c/"))
    first = worker.claim()
    worker.write(first, "A <b>first")
    expect(page.locator(".pending .text")).to_have_text("A <b>first")
    worker.write(first, " text")
    expect(page.locator(".pending .text")).to_have_text("A <b>first text")
    worker.finish(first, ".")
    expect(page.locator(".reply.done .text")).to_have_text("A <b>first text.")
    page.evaluate("window.isTheSamePage = true")
    say(page, "two")
    expect(last(page, ".message .text")).to_have_text("two")
    expect(page.get_by_label("Your message")).to_have_value("")
    second = worker.claim()
    worker.write(second, "Another")
    expect(page.locator(".pending .text")).to_have_text("Another")
    say(page, "x" * 8001)
    expect(page.locator("#refusal")).to_contain_text("8,001 of 8,000 characters")
    page.locator("#stop").click()
    expect(page.locator(".status-line")).to_contain_text("Stopping")
    worker.finish(second, outcome=wire.Outcome.STOPPED)
    expect(page.locator(".reply.stopped .text")).to_have_text("Another")
    expect(page.locator("#stop")).to_have_count(0)
    expect(page.locator("#connection-lost")).to_be_hidden()
    assert page.evaluate("window.isTheSamePage")
