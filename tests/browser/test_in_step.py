"""Two tabs and two devices on one conversation, also while nothing is to come."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Worker
from tests.browser.stage import open_menu
from tests.browser.user_actions import answered, box_of, say


@pytest.fixture
def twin(home: Page, guest: Callable[..., BrowserContext], worker: Worker) -> Page:
    """Another device of the same person, on the same conversation."""
    answered(home, worker, "one", "First")
    device = guest(viewport={"width": 390, "height": 844})
    device.add_cookies(home.context.cookies())
    page = device.new_page()
    page.goto(home.url)
    expect(page.locator(".reply.done .text")).to_have_text("First")
    return page


def test_what_one_sends_the_other_shows_while_it_grows(
    home: Page, twin: Page, worker: Worker
) -> None:
    say(twin, "two")
    expect(home.locator(".message .text").last).to_have_text("two")
    claim = worker.claim()
    worker.write(claim, "So far")
    for page in (home, twin):
        expect(page.locator(".pending .text")).to_have_text("So far")
    worker.finish(claim, ".")
    for page in (home, twin):
        expect(page.locator(".reply.done .text").last).to_have_text("So far.")


def test_versions_chosen_on_one_are_shown_on_the_other(
    home: Page, twin: Page, worker: Worker
) -> None:
    home.get_by_role("button", name="Regenerate").click()
    worker.finish(worker.claim(), "Second")
    for page in (home, twin):
        expect(page.locator(".reply.done .text")).to_have_text("Second")
        expect(page.locator(".versions")).to_contain_text("2/2")
    box_of(home).fill("half a thou")
    twin.get_by_role("button", name="Previous version").click()
    for page in (home, twin):
        expect(page.locator(".reply.done .text")).to_have_text("First")
    expect(box_of(home)).to_have_value("half a thou")


def test_several_at_once_stand_beside_each_other_on_both(
    home: Page, twin: Page, worker: Worker
) -> None:
    open_menu(home)
    home.get_by_role("menuitem", name="Write 4 variations").click()
    for page in (home, twin):
        expect(page.locator(".side-by-side .reply.pending")).to_have_count(4)
    for _ in range(4):
        worker.finish(worker.claim(), "Done")
    for page in (home, twin):
        expect(page.locator(".side-by-side .reply.done")).to_have_count(4)
    say(home, "two")
    for page in (home, twin):
        expect(page.locator(".side-by-side")).to_have_count(0)
        expect(page.locator(".message")).to_have_count(2)


def test_stopped_on_one_is_stopped_on_the_other(
    home: Page, twin: Page, worker: Worker
) -> None:
    worker.announce(free=0)
    say(home, "two")
    expect(twin.locator(".ticket")).to_be_visible()
    twin.get_by_role("button", name="Cancel").click()
    for page in (home, twin):
        stopped = page.locator(".reply.stopped")
        expect(stopped).to_contain_text("Stopped")
