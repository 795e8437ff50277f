"""Messages that wait until the workers are idle, sent with the switch beside Send."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Worker
from tests.browser.user_actions import begin, box_of


def switch_on(page: Page) -> None:
    """By keys alone."""
    page.get_by_role("button", name="When to run").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Run when idle")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Escape")


def test_one_message_waits_and_runs_now_after_a_click(
    home: Page, worker: Worker
) -> None:
    worker.announce(free=0)
    switch_on(home)
    begin(home, "what can wait")
    ticket = home.locator(".ticket")
    expect(ticket).to_contain_text("Runs when the workers are idle")
    assert not home.locator("#when-idle").is_checked()
    home.get_by_role("button", name="Run now").click()
    expect(ticket).to_contain_text("Next")
    expect(home.get_by_role("button", name="Run now")).to_be_hidden()
    claim = worker.claim()
    assert not claim.is_helper


def test_a_second_message_is_for_now_unless_the_first_could_not_be_sent(
    home: Page, worker: Worker
) -> None:
    begin(home, "one")
    worker.finish(worker.claim(), "First")
    expect(home.locator(".reply.done")).to_have_count(1)
    switch_on(home)

    def refuse(route: Route) -> None:
        route.abort()

    home.route("**/send/", refuse)
    box_of(home).fill("two")
    box_of(home).press("Enter")
    expect(home.locator("#refusal")).not_to_be_empty()
    expect(home.locator("#when-idle")).to_be_checked()
    home.unroute("**/send/")
    box_of(home).press("Enter")
    expect(home.locator(".reply")).to_have_count(2)
    expect(home.locator("#when-idle")).not_to_be_checked()
    assert worker.claim().is_helper
