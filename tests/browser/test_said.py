"""What a screen reader says of a conversation: each thing once, and in order."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from chatsite import wire
from chatsite.mailbox import Claim
from tests.browser.conftest import Worker
from tests.browser.stage import CONVERSATION, say
from tests.browser.user_actions import becomes_true

STARTED, READY = "The reply has started.", "The reply is ready."
IN_LINE = "Your message is waiting for its turn."
NEXT = "Your message sends after this reply."
DECIDE = "Your next message needs your decision."
#: What a screen reader takes notice of: text that came into the region.
LISTEN = """() => {
  window.said = [];
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      const text = [...addedNodes].map((it) => it.textContent).join("").trim();
      if (text) window.said.push(text);
    }
  }).observe(document.querySelector("[role=status]"), {
    childList: true, subtree: true, characterData: true,
  });
}"""


def listen(page: Page) -> None:
    page.evaluate(LISTEN)


def said(page: Page) -> list[str]:
    return page.evaluate("window.said")


def hears(page: Page, *texts: str) -> None:
    """Exactly this, in this order, and nothing more in the next second."""
    becomes_true(page, "count => window.said.length >= count", len(texts))
    with page.expect_response("**/poll/**"):
        pass
    assert said(page) == list(texts)


@pytest.fixture
def page(home: Page, worker: Worker) -> Page:
    """A conversation with a reply that is done; from here on the page is the same."""
    say(home, "the first")
    home.wait_for_url(CONVERSATION)
    worker.finish(worker.claim(), "The first.")
    expect(home.locator(".reply.done")).to_have_count(1)
    expect(home.get_by_role("status")).to_be_empty()
    listen(home)
    return home


def start(page: Page, worker: Worker) -> Claim:
    """Send a prompt; its reply has begun to grow."""
    say(page, "another")
    hears(page, IN_LINE)
    claim = worker.claim()
    worker.write(claim, "Some")
    hears(page, IN_LINE, STARTED)
    expect(page.locator(".pending .text")).to_have_text("Some")
    return claim


def live_regions_around(text: Locator) -> list[object]:
    """Those in which each word would be said as it comes."""
    live = "[aria-live], [role=status], [role=alert], [role=log], [role=timer], output"
    found: list[object] = text.evaluate_all(
        "(all, live) => all.filter((it) => it.closest(live) || it.querySelector(live))",
        live,
    )
    return found


def test_a_reply_in_line_then_written_then_ready(page: Page, worker: Worker) -> None:
    worker.announce(free=0)
    say(page, "two")
    hears(page, IN_LINE)
    claim = worker.claim()
    worker.write(claim, "Some")
    hears(page, IN_LINE, STARTED)
    assert not live_regions_around(page.locator(".pending"))
    worker.write(claim, " text")
    expect(page.locator(".pending .text")).to_have_text("Some text")
    worker.finish(claim, ".")
    hears(page, IN_LINE, STARTED, READY)


def test_the_same_words_are_said_again(page: Page, worker: Worker) -> None:
    """Text in place of equal text is no news to a screen reader: it must go first."""
    for _ in range(2):
        page.evaluate("window.said.length = 0")
        worker.finish(start(page, worker))
        expect(page.get_by_role("status")).to_have_text(READY)
        expect(page.get_by_role("status")).to_be_empty()
        hears(page, IN_LINE, STARTED, READY)


def test_stop_is_confirmed(page: Page, worker: Worker) -> None:
    claim = start(page, worker)
    page.locator("#stop").click()
    expect(page.locator(".status-line")).to_contain_text("Stopping")
    worker.finish(claim, outcome=wire.Outcome.STOPPED)
    hears(page, IN_LINE, STARTED, "The reply was stopped.")


def test_a_failure_is_said_with_its_reason(page: Page, worker: Worker) -> None:
    claim = start(page, worker)
    error = wire.ErrorCode.MODEL_ERROR
    worker.finish(claim, outcome=wire.Outcome.FAILED, error=error)
    reason = page.locator(".reply.failed .note").inner_text()
    hears(page, IN_LINE, STARTED, f"The reply failed. {reason}")


def test_a_prompt_sent_ahead_waits_and_starts(page: Page, worker: Worker) -> None:
    first = start(page, worker)
    say(page, "three")
    hears(page, IN_LINE, STARTED, NEXT)
    worker.announce(free=0)
    worker.finish(first)
    hears(page, IN_LINE, STARTED, NEXT, f"{READY} {IN_LINE}")
    worker.write(worker.claim(), "Three")
    hears(page, IN_LINE, STARTED, NEXT, f"{READY} {IN_LINE}", STARTED)


def test_what_was_sent_ahead_asks_once_something_went_wrong(
    page: Page, worker: Worker
) -> None:
    start(page, worker)
    say(page, "three")
    hears(page, IN_LINE, STARTED, NEXT)
    worker.finish_last(outcome=wire.Outcome.STOPPED)
    hears(page, IN_LINE, STARTED, NEXT, f"The reply was stopped. {DECIDE}")


def test_nothing_old_is_said_on_a_new_page(page: Page, worker: Worker) -> None:
    claim = start(page, worker)
    page.reload()
    listen(page)
    expect(page.get_by_role("status")).to_be_empty()
    expect(page.locator(".status-line")).to_contain_text("token")
    hears(page)
    worker.finish(claim)
    hears(page, READY)
