"""Pages that were open while the site was replaced by this release."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from playwright.sync_api import Browser, Page, expect

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


def test_a_draft_is_kept_and_an_open_page_sends_after_an_upgrade(
    environment: dict[str, str], tab: Callable[[str], Page]
) -> None:
    url = f"http://127.0.0.1:{environment['PORT']}"
    earlier, current = Release.earlier(**environment), Release.current(**environment)
    earlier.migrate()
    with earlier.web() as web:
        wait_for_page(url, web)
        first, second = tab(url), tab(url)
        box_of(first).fill(DRAFT)
        web.terminate()
    current.migrate()
    with current.web() as web:
        wait_for_page(url, web)
        say(second, SENT)
        second.wait_for_url(CONVERSATION)
        expect(second.locator(".message .text")).to_have_text(SENT)
        first.reload()
        expect(box_of(first)).to_have_value(DRAFT)
