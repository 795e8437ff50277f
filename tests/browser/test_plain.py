"""Without JavaScript everything works but what needs it by its nature."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Worker
from tests.browser.stage import open_menu
from tests.browser.user_actions import box_of


@pytest.fixture
def page(guest: Callable[..., BrowserContext], worker: Worker) -> Page:
    page = guest(java_script_enabled=False).new_page()
    page.goto("/")
    send(page, "one")
    worker.finish(worker.claim(), "First")
    afresh(page)
    expect(page.locator(".reply.done .text")).to_have_text("First")
    return page


def afresh(page: Page) -> None:
    """As the reload button does; a frame that reloads itself must not come between."""
    page.goto(page.url.partition("#")[0])


def send(page: Page, text: str) -> None:
    box_of(page).fill(text)
    page.get_by_role("button", name="Send").click()


def test_variants_are_asked_for_compared_and_chosen(page: Page, worker: Worker) -> None:
    open_menu(page)
    page.get_by_role("button", name="Write 4 variations").click()
    expect(page.locator(".side-by-side .reply")).to_have_count(4)
    for number in range(4):
        worker.finish(worker.claim(), f"Variant {number}")
    afresh(page)
    page.locator(".side-by-side .reply").nth(1).get_by_role(
        "button", name="Use this"
    ).click()
    expect(
        page.locator(".side-by-side .reply").nth(1).locator(".chosen")
    ).to_be_visible()


def test_versions_are_changed_by_their_arrows(page: Page, worker: Worker) -> None:
    page.get_by_role("button", name="Regenerate").click()
    worker.finish(worker.claim(), "Second")
    afresh(page)
    expect(page.locator(".reply.done .text")).to_have_text("Second")
    page.get_by_role("button", name="Previous version").click()
    expect(page.locator(".reply.done .text")).to_have_text("First")


def test_a_prompt_is_changed(page: Page, worker: Worker) -> None:
    page.get_by_role("link", name="Edit").click()
    expect(box_of(page)).to_have_value("one")
    send(page, "another one")
    expect(page.locator(".message .text")).to_have_text("another one")
    expect(page.locator(".message .versions")).to_contain_text("2/2")


def test_a_reply_goes_on_and_tells_how_it_was_made(page: Page, worker: Worker) -> None:
    send(page, "two")
    worker.finish(worker.claim(), "The cat sa", is_length_limited=True)
    afresh(page)
    page.get_by_role("button", name="Continue").click()
    worker.finish(worker.claim(), "t.")
    afresh(page)
    expect(page.locator(".reply.done .text").last).to_have_text("The cat sat.")
    open_menu(page)
    page.get_by_role("link", name="Details").last.click()
    expect(page.get_by_text("Seed")).to_be_visible()
    page.get_by_role("button", name="Re-run with the same settings").click()
    expect(page.locator(".reply.pending")).to_have_count(1)


def test_settings_are_kept(page: Page, worker: Worker) -> None:
    page.locator("#chip").click()
    page.get_by_label("Instructions").fill("Answer in rhymes.")
    page.get_by_role("button", name="Save", exact=True).click()
    send(page, "two")
    assert "Answer in rhymes." in worker.claim().request


def test_nothing_is_said_of_keys_that_only_the_script_knows(
    page: Page, home: Page
) -> None:
    for keys in (
        page.get_by_role("button", name="Keyboard shortcuts"),
        page.get_by_text("Enter to send"),
    ):
        expect(keys).to_be_hidden()
    expect(home.get_by_text("Enter to send")).to_be_visible()
    home.get_by_role("button", name="Keyboard shortcuts").click()
    expect(home.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()


def sent_without_javascript(guest: Callable[..., BrowserContext]) -> Page:
    page = guest(java_script_enabled=False).new_page()
    page.goto("/")
    box_of(page).fill("one")
    page.get_by_role("button", name="Send").click()
    return page


def test_without_javascript_the_chat_works(
    guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = sent_without_javascript(guest)
    expect(page.locator(".message .text")).to_have_text("one")
    frame = page.frame_locator("iframe")
    claim = worker.claim()
    worker.write(claim, "Some text")
    expect(frame.locator(".text")).to_have_text("Some text")
    expect(page.locator(".main .state")).to_be_hidden()
    box_of(page).fill("a draft")
    worker.write(claim, " and more")
    expect(frame.locator(".text")).to_have_text("Some text and more")
    expect(box_of(page)).to_have_value("a draft")
    worker.finish(claim)
    frame.get_by_role("link").click()
    expect(page.locator(".reply.done .text")).to_have_text("Some text and more")


def test_without_javascript_code_has_no_buttons(
    guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = sent_without_javascript(guest)
    worker.finish(worker.claim(), "```python\nx = 1\n```")
    page.frame_locator("iframe").get_by_role("link").click()
    expect(page.locator(".code figcaption > span").first).to_have_text("python")
    expect(page.locator(".code").get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("button", name="Attach text files")).to_have_count(0)


def test_without_javascript_stop_works(
    guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = sent_without_javascript(guest)
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    page.get_by_role("button", name="Stop and show the text").click()
    expect(page.locator(".reply.stopped")).to_contain_text("Stopped")
