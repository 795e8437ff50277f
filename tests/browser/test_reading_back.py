"""Finding what was said long ago, by keys alone and where no script runs."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Worker
from tests.browser.sharing_actions import conversation_of
from tests.browser.stored_texts import StoredTexts
from tests.browser.user_actions import answered

CODE = "Begin so:\n\n```py\nheap = []\n```\n"


def test_a_filter_is_added_and_a_conversation_searched_by_keys(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "What is a heap?", CODE)
    home.goto("/search/?q=heap")
    expect(home.locator(".hit")).to_have_count(2)
    home.get_by_role("searchbox").focus()
    home.keyboard.press("Tab")
    expect(home.get_by_text("Filters", exact=True)).to_be_focused()
    home.keyboard.press("Enter")
    home.get_by_role("link", name="has:code").press("Enter")
    expect(home.get_by_role("searchbox")).to_have_value("heap has:code")
    expect(home.locator(".hit")).to_have_count(1)
    home.get_by_role("searchbox").fill("heap has:wheels")
    expect(home.locator("#status")).to_contain_text("Use one of: has:code, has:file.")
    expect(home.locator("#hits")).to_contain_text("Use one of: has:code, has:file.")

    home.goto("/")
    answered(home, worker, "What is another heap?", "A hill.")
    home.focus("#head-menu-button")
    home.keyboard.press("Enter")
    home.get_by_role("menuitem", name="Search in this conversation").press("Enter")
    expect(home.get_by_role("searchbox")).to_be_focused()
    home.keyboard.type("hea")
    expect(home.locator("#status")).to_have_text("1 result.")
    expect(home.locator(".hit b")).to_have_text("What is another heap?")
    home.locator(".hit").press("Enter")
    home.wait_for_url(re.compile(r"\?at=.+#message-"))
    expect(home.locator(".message .text")).to_have_text("What is another heap?")


def test_without_a_script_a_conversation_is_searched_and_a_day_is_found(
    guest: Callable[..., BrowserContext], worker: Worker, home: Page
) -> None:
    answered(home, worker, "What is a heap?", CODE)
    shelf = StoredTexts(conversation_of(home))
    long = shelf.put("heap", [f"number {number}" for number in range(40)])
    page = guest(java_script_enabled=False).new_page()
    page.context.add_cookies(home.context.cookies())  # type: ignore[arg-type]
    page.goto(f"/c/{long}/")
    page.get_by_role("button", name="Conversation options").click()
    page.get_by_role("link", name="Search in this conversation").click()
    page.get_by_role("searchbox").fill("heap before:2100-01-01")
    page.get_by_role("searchbox").press("Enter")
    expect(page.locator(".hit")).to_have_count(20)
    page.get_by_role("link", name="Load more").click()
    expect(page.locator(".hit")).to_have_count(20)
    for at_first in (page.url, f"/c/{long}/"):
        page.goto(at_first)
        first_day = page.get_by_label("Jump to a day").get_attribute("min") or ""
        page.get_by_label("Jump to a day").fill(first_day)
        page.get_by_role("button", name="Jump").press("Enter")
        page.wait_for_url(re.compile(r"\?at=.+#message-"))
        expect(page.locator(".message .text").first).to_have_text("heap number 0")
