"""Pinning, archiving and temporary chats as a person with a browser finds them."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Worker
from tests.browser.user_actions import answered, begin

FIRST_HEADING = "#conversations .period h2"


def choose(page: Page, name: str) -> None:
    """An item of the menu beside the title, by keys."""
    page.focus("#head-menu-button")
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name=name, exact=True).press("Enter")


def test_one_is_pinned_archived_and_brought_back_by_keys(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "one", "two")
    choose(home, "Pin")
    expect(home.locator(FIRST_HEADING).first).to_have_text("Pinned")
    expect(home.locator("#head-menu-button")).to_be_focused()
    choose(home, "Archive")
    expect(home.locator("form.undo")).to_contain_text("Archived “one”.")
    expect(home.locator("#conversations .entry")).to_have_count(0)
    home.get_by_role("button", name="Undo").press("Enter")
    expect(home.locator(FIRST_HEADING).first).to_have_text("Pinned")


def test_a_temporary_chat_says_so_and_is_kept_with_one_click(
    home: Page, worker: Worker
) -> None:
    home.get_by_role("link", name="Temporary chat").click()
    begin(home, "whisper")
    worker.finish(worker.claim(), "hush")
    expect(home.locator(".reply.done .text")).to_have_text("hush")
    expect(home.locator("#conversations .entry")).to_have_count(0)
    expect(home.locator("#archived-note")).to_contain_text("Temporary chat")
    home.locator("#archived-note button").click()
    expect(home.locator("#conversations .entry")).to_have_text(["whisper"])
    expect(home.locator("#archived-note")).not_to_contain_text("Temporary chat")
