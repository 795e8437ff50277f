"""What a first visit costs, what a second one does, and what a restart in between does."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from tests.browser.conftest import Worker
from tests.browser.user_actions import begin

MAX_REQUESTS = 9
MAX_BYTES = 100_000
#: Of every resource that the page loaded: its path, and bytes that crossed the network.
RESOURCES = """() => performance.getEntriesByType("resource").map(
  ({ name, transferSize }) => [new URL(name).pathname, transferSize])"""


def test_a_first_visit_makes_few_requests_and_loads_little(
    guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = guest().new_page()
    requests: list[Request] = []

    def note(request: Request) -> None:
        requests.append(request)

    page.on("requestfinished", note)
    page.goto("/", wait_until="load")
    urls = [request.url for request in requests if not request.url.startswith("data:")]
    sizes = [request.sizes()["responseBodySize"] for request in requests]
    # A browser may ask for an icon later, and the page must hold it.
    expect(page.locator("link[rel=icon]")).to_have_attribute(
        "href", re.compile("^data:")
    )
    assert len(urls) <= MAX_REQUESTS, urls
    assert sum(sizes) < MAX_BYTES, [*zip(urls, sizes, strict=False)]


def test_a_second_visit_loads_no_file_again(
    guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = guest().new_page()
    page.goto("/")
    page.goto("/settings/", wait_until="load")
    files = [one for one in page.evaluate(RESOURCES) if one[0].startswith("/static/")]
    assert len(files) == MAX_REQUESTS - 1
    assert all(size == 0 for _, size in files), files


@pytest.mark.parametrize("broken", ["export const other = 1;", None])
def test_a_page_that_lacks_a_fitting_module_loads_once_more(
    guest: Callable[..., BrowserContext], worker: Worker, broken: str | None
) -> None:
    """As while a server restarts: a module of another version, or none."""
    page = guest().new_page()
    asked: list[str] = []

    def serve(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) > 1:
            route.continue_()
        elif broken is None:
            route.abort()
        else:
            route.fulfill(body=broken, content_type="text/javascript")

    page.route(re.compile("drafts.js"), serve)
    open_twice(page)
    begin(page, "one")


def test_a_page_does_not_load_again_and_again(
    guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = guest().new_page()
    page.route(re.compile("drafts.js"), lambda route: route.abort())
    loads = open_twice(page)
    # A third time would come after such an answer of the server, as the second did.
    page.evaluate("fetch('/healthz').then(() => fetch('/healthz'))")
    assert len(loads) == 2
    page.fill("#text", "one")
    page.click("button.send")
    expect(page.locator(".prompt .text")).to_have_text("one")


def open_twice(page: Page) -> list[Page]:
    """Open the first page, which loads once more; an entry for each load from then on."""
    loads: list[Page] = []

    def note(loaded: Page) -> None:
        loads.append(loaded)

    page.on("load", note)
    with page.expect_event("load", lambda _: len(loads) == 2):
        page.goto("/")
    return loads
