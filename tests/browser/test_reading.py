"""Whoever reads or selects while a reply grows is not disturbed by it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from chatsite.mailbox import Claim
from tests.browser.conftest import Worker
from tests.browser.stage import CONVERSATION, say
from tests.browser.user_actions import next_frame

#: Selects from a place in the first paragraph to one in the last.
SELECT = """([from, to]) => {
  const paragraphs = [...document.querySelectorAll(".pending .text p")];
  const [first, last] = [paragraphs[0].firstChild, paragraphs.at(-1).firstChild];
  window.node = first;
  getSelection().setBaseAndExtent(first, from, last, to);
}"""
IS_THE_SAME_NODE = "window.node === document.querySelector('.reply .text p').firstChild"
TALK = "document.getElementById('content')"
LINES = "".join(f"line {number}\n" for number in range(80))


def selected(page: Page) -> str:
    return page.evaluate("getSelection().toString()")


def grow(page: Page, worker: Worker, claim: Claim, text: str) -> None:
    """More text has come, and so has a poll that brought nothing."""
    worker.write(claim, text)
    expect(page.locator(".pending .text")).to_contain_text(text.strip())
    for _ in range(2):
        with page.expect_response("**/poll/**"):
            pass


@pytest.fixture
def claim(home: Page, worker: Worker) -> Claim:
    say(home, "one")
    home.wait_for_url(CONVERSATION)
    return worker.claim()


def test_a_selection_outlives_growth_and_the_end(
    home: Page, worker: Worker, claim: Claim
) -> None:
    """From the settled part into the tail, which is replaced with every text."""
    worker.write(claim, "A lighthouse.\n\n")
    grow(home, worker, claim, "It stands on\n")
    home.evaluate(SELECT, [2, 9])
    for part in ("a rock", " by the sea", " and shines"):
        grow(home, worker, claim, part)
        assert selected(home) == "lighthouse.\n\nIt stands"
        assert home.evaluate(IS_THE_SAME_NODE)
    worker.finish(claim, ".")
    expect(home.get_by_role("status")).to_have_text("The reply is ready.")
    expect(home.locator("#stop")).to_have_count(0)
    assert selected(home) == "lighthouse.\n\nIt stands"
    assert home.evaluate(IS_THE_SAME_NODE)
    say(home, "two")
    expect(home.locator(".message .text").last).to_have_text("two")
    worker.finish(worker.claim(), "2")
    expect(home.locator(".reply.done .text").last).to_have_text("2")


def test_what_was_selected_elsewhere_puts_nothing_off(
    home: Page, worker: Worker, claim: Claim
) -> None:
    grow(home, worker, claim, "One")
    home.evaluate(
        "getSelection().selectAllChildren(document.querySelector('.message .text'))"
    )
    worker.finish(claim)
    expect(home.locator(".reply.done .text")).to_have_text("One")
    assert selected(home) == "one"


@pytest.mark.parametrize("share", [0, 0.4])
def test_who_reads_above_stays_there(
    share: float, home: Page, worker: Worker, claim: Claim
) -> None:
    """At the beginning, or in the midst of the text that grows."""
    worker.write(claim, LINES)
    expect(home.locator(".pending .text")).to_contain_text("line 79")
    home.locator("#content").hover()
    home.mouse.wheel(0, -100)
    home.evaluate(
        f"share => {{ {TALK}.scrollTop = share * {TALK}.scrollHeight; }}", share
    )
    next_frame(home)
    before = home.evaluate(f"{TALK}.scrollTop")
    for part in ("more\n" * 20, "and more\n" * 20):
        grow(home, worker, claim, part)
        assert home.evaluate(f"{TALK}.scrollTop") == before
    worker.finish(claim, "the last")
    expect(home.locator(".reply.done")).to_be_attached()
    for _ in range(2):
        with home.expect_response("**/poll/**"):
            pass
    assert home.evaluate(f"{TALK}.scrollTop") == before
