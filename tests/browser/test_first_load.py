"""What a first visit costs, what a second one does, and what a restart in between does."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Frame, Page, Request, Route, expect

from tests.browser.conftest import Worker
from tests.browser.sharing_actions import share
from tests.browser.stored_texts import begin_shelf
from tests.browser.user_actions import PATIENCE_SECONDS, begin

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


def test_a_page_of_a_long_shared_copy_is_as_light(
    home: Page, worker: Worker, guest: Callable[..., BrowserContext]
) -> None:
    shelf = begin_shelf(home, worker)
    path = share(home, str(shelf.put("bees", ["**Honey** and `wax`."] * 40)))
    reader = guest().new_page()
    sizes: list[int] = []

    def note(request: Request) -> None:
        if not request.url.startswith("data:"):
            sizes.append(request.sizes()["responseBodySize"])

    reader.on("requestfinished", note)
    reader.goto(path, wait_until="load")
    assert len(sizes) <= MAX_REQUESTS
    assert sum(sizes) < MAX_BYTES
    expect(reader.locator(".turn")).to_have_count(50)
    reader.get_by_role("link", name="Later messages").click()
    expect(reader.locator(".turn")).to_have_count(30)


def test_a_second_visit_loads_no_file_again(
    guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = guest().new_page()
    page.goto("/")
    page.goto("/search/", wait_until="load")
    files = [one for one in page.evaluate(RESOURCES) if one[0].startswith("/static/")]
    assert len(files) == MAX_REQUESTS - 1
    assert all(size == 0 for _, size in files), files


@pytest.mark.parametrize("broken", ["export const other = 1;", None])
def test_a_page_that_lacks_a_fitting_module_loads_once_more(
    guest: Callable[..., BrowserContext], worker: Worker, broken: str | None
) -> None:
    """As while a server restarts: a module of another version, or none."""
    page = guest().new_page()
    visits = break_module(page, broken, times=1)
    open_twice(page)
    assert len(visits) == 2
    begin(page, "one")


def test_a_page_does_not_load_again_and_again(
    guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = guest().new_page()
    visits = break_module(page, None, times=100)
    open_twice(page)
    # A third time would come after such an answer of the server, as the second did.
    page.evaluate("fetch('/healthz').then(() => fetch('/healthz'))")
    assert len(visits) == 2
    page.fill("#text", "one")
    page.click("button.send")
    expect(page.locator(".message .text")).to_have_text("one")


def break_module(page: Page, broken: str | None, times: int) -> list[str]:
    """Break a module in so many visits: other text, or none. An entry for each visit."""
    visits: list[str] = []

    def note(request: Request) -> None:
        if request.is_navigation_request():
            visits.append(request.url)

    def serve(route: Route) -> None:
        if len(visits) > times:
            route.continue_()
        elif broken is None:
            route.abort()
        else:
            route.fulfill(body=broken, content_type="text/javascript")

    page.on("request", note)
    page.route(re.compile("drafts.js"), serve)
    return visits


def open_twice(page: Page) -> None:
    """Open the first page, and wait until it has loaded once more by itself."""
    shown: list[str] = []

    def note(frame: Frame) -> None:
        shown.append(frame.url)

    page.on("framenavigated", note)
    page.goto("/", wait_until="commit")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(shown) < 2:
        assert time.monotonic() < deadline, "the page did not load once more"
        page.wait_for_timeout(20)
    page.wait_for_load_state("load")
