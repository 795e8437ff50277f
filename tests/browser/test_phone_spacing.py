"""The distances between messages, replies and their buttons on a phone."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Site, Worker
from tests.browser.stage import Stage, begin, last, open_menu, say

PHONE = {"width": 390, "height": 844}
#: Pairs of neighbours that overlap, touch, or are so near that one presses the other.
TOO_NEAR = """() => {
  const parts = ".author, .text, .tools, .panel, .note, .ticket, .editor";
  const shown = [...document.querySelectorAll(parts)].filter((part) => {
    const style = getComputedStyle(part);
    return part.closest("#content") && part.getClientRects().length && style.clipPath === "none";
  });
  const found = [];
  for (const one of shown) {
    for (const other of shown) {
      if (one === other || one.contains(other) || other.contains(one)) continue;
      if (!(one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING)) continue;
      const [above, below] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
      const distance = Math.round(10 * (below.top - above.bottom)) / 10;
      if (distance < 4) found.push(`${one.className} ${other.className} ${distance}`);
    }
  }
  return found;
}"""
SMALL = """() => [...document.querySelectorAll(".tools > .ghost, .tools > .thumbs > .ghost")]
  .filter((button) => button.getClientRects().length)
  .map((button) => button.getBoundingClientRect())
  .filter(({ width, height }) => Math.min(width, height) < 44).length"""
#: How far a reply is below the text that it answers, at most.
FARTHEST = """() => Math.max(...[...document.querySelectorAll(".message")].map((message) => {
  const said = message.querySelector(".text").getBoundingClientRect();
  return message.nextElementSibling.getBoundingClientRect().top - said.bottom;
}))"""


def test_buttons_of_a_turn_keep_off_their_neighbours_on_a_phone(
    guest: Callable[..., BrowserContext], worker: Worker, site: Site
) -> None:
    page = guest(viewport=PHONE, has_touch=True, is_mobile=True).new_page()
    begin(Stage(page, worker, site), "What is a bee?")
    worker.finish(worker.claim(), "An insect.")
    for number in (2, 3):
        say(page, f"Question {number}, which is so long that it takes two lines")
        worker.finish(worker.claim(), f"Reply {number}")
        expect(page.locator(".reply.done")).to_have_count(number)
    assert page.evaluate(TOO_NEAR) == []
    assert page.evaluate(SMALL) == 0
    assert page.evaluate(FARTHEST) < 60

    _edit_both(page, worker)
    assert page.evaluate(TOO_NEAR) == []
    page.locator(".reply .menu-button").first.click()
    page.get_by_role("menuitem", name="Delete message and reply").click()
    expect(page.locator("#deleted-turn button")).to_be_visible()
    say(page, "One that waits")
    expect(page.locator(".reply.pending")).to_have_count(1)
    assert page.evaluate(TOO_NEAR) == []


def _edit_both(page: Page, worker: Worker) -> None:
    """The last message and its reply then have versions, and a rating is open."""
    last(page, ".message .change").click()
    page.get_by_label("Edit message").fill("Another question")
    page.locator(".editor [type=submit]").click()
    worker.finish(worker.claim(), "Another reply")
    expect(last(page, ".message .versions")).to_contain_text("2/2")
    expect(page.locator(".reply.done")).to_have_count(3)
    open_menu(page)
    page.get_by_role("menuitem", name="Edit reply").click()
    page.get_by_label("Edit reply").fill("What a person wrote instead")
    page.get_by_role("button", name="Save").click()
    expect(last(page, ".reply .edited")).to_be_visible()
    expect(last(page, ".reply .versions")).to_contain_text("2/2")
    page.get_by_role("button", name="Good reply").nth(1).click()
    expect(page.locator(".panel textarea")).to_be_visible()
