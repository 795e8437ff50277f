"""Pages that were open while the site was replaced by this release."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import PATIENCE_MS
from tests.browser.user_actions import CONVERSATION, box_of, say
from tests.environment import FOLDER
from tests.processes import free_port
from tests.upgrade.earlier import Release, wait_for_page
from tests.valkey import Valkey

SENT = "sent by a page of the release before"
DRAFT = "a draft of the release before"


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    home = Path(mkdtemp(prefix="open-", dir=FOLDER))
    queue = Valkey(home / "v.sock", home / "valkey")
    queue.start()
    yield {
        "DATA_DIR": str(home / "data"),
        "PORT": str(free_port()),
        "REDIS_URL": queue.url,
    }
    queue.stop()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Opens tabs of one browser."""
    expect.set_options(timeout=PATIENCE_MS)
    with browser.new_context() as context:
        context.set_default_timeout(PATIENCE_MS)

        def open_tab(url: str) -> Page:
            page = context.new_page()
            page.goto(url)
            return page

        yield open_tab


def is_of_this_release(page: Page) -> Locator:
    """The field of the poller that pages of the release before do not have."""
    return page.locator("#poller [name=v]")


def conversation_of(tab: Callable[[str], Page], url: str, text: str) -> Page:
    page = tab(url)
    say(page, text)
    page.wait_for_url(CONVERSATION)
    return page


def test_open_pages_keep_drafts_send_and_load_again_after_an_upgrade(
    environment: dict[str, str], tab: Callable[[str], Page]
) -> None:
    url = f"http://127.0.0.1:{environment['PORT']}"
    earlier, current = Release.earlier(**environment), Release.current(**environment)
    earlier.migrate()
    with earlier.web() as web:
        wait_for_page(url, web)
        first, second = tab(url), tab(url)
        waiting = conversation_of(tab, url, "waits for its reply")
        sending = conversation_of(tab, url, "goes on")
        for page in (second, sending):
            # They send before they learn of the upgrade.
            page.route("**/poll/**", lambda route: route.abort())
        box_of(first).fill(DRAFT)
        box_of(waiting).fill(DRAFT)
        web.terminate()
    current.migrate()
    with current.web() as web:
        wait_for_page(url, web)
        say(second, SENT)
        second.wait_for_url(CONVERSATION)
        expect(second.locator(".message .text")).to_have_text(SENT)
        first.reload()
        expect(box_of(first)).to_have_value(DRAFT)
        expect(is_of_this_release(waiting)).to_have_count(1)
        expect(box_of(waiting)).to_have_value(DRAFT)
        say(sending, SENT)
        expect(is_of_this_release(sending)).to_have_count(1)
        expect(sending.locator(".message .text")).to_have_text(["goes on", SENT])
        expect(box_of(sending)).to_have_value("")


def test_a_page_of_this_release_loads_again_where_the_release_before_answers(
    environment: dict[str, str], tab: Callable[[str], Page]
) -> None:
    """As while the servers of a site are replaced one after the other."""
    url = f"http://127.0.0.1:{environment['PORT']}"
    earlier, current = Release.earlier(**environment), Release.current(**environment)
    current.migrate()
    with current.web() as web:
        wait_for_page(url, web)
        page = conversation_of(tab, url, "waits for its reply")
        expect(is_of_this_release(page)).to_have_count(1)
        box_of(page).fill(DRAFT)
        web.terminate()
    with earlier.web() as web:
        wait_for_page(url, web)
        expect(is_of_this_release(page)).to_have_count(0)
        said = page.get_by_role("article").first
        expect(said).to_contain_text("waits for its reply")
        expect(box_of(page)).to_have_value(DRAFT)
