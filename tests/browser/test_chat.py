"""The chat as a person with a browser finds it."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from chatsite import wire
from tests.browser.conftest import Worker
from tests.browser.user_actions import (
    CONVERSATION,
    answered,
    becomes_true,
    begin,
    box_of,
    growing,
    say,
)
from tests.environment import IS_SOAK

POLL = "**/poll/**"
#: Records every announcement, and keeps hold of the first text node of a reply.
WATCH = """() => {
  window.said = [];
  const status = document.getElementById("status");
  new MutationObserver(() => {
    if (status.textContent) window.said.push(status.textContent);
  }).observe(status, { childList: true });
}"""
HOLD = """() => {
  const text = document.querySelector(".pending .text");
  window.node = text.firstChild;
  getSelection().selectAllChildren(text.firstChild);
}"""


def test_text_grows_in_place_and_the_poller_comes_to_rest(
    home: Page, worker: Worker
) -> None:
    begin(home, "Tell me about lighthouses")
    home.evaluate(WATCH)
    claim = worker.claim()
    worker.write(claim, "A lighthouse <b>stands</b>\n\n- on\n")
    expect(growing(home).locator("p")).to_have_text("A lighthouse <b>stands</b>")
    expect(growing(home).locator("li")).to_have_text("on")
    expect(home.locator(".status-line")).to_contain_text("token")
    home.evaluate(HOLD)
    worker.write(claim, "- a rock,\n  and é **shines**.")
    expect(growing(home).locator("li")).to_have_text(["on", "a rock,\nand é shines."])
    assert home.evaluate(
        "window.node === document.querySelector('.pending .text').firstChild"
    )
    assert home.evaluate("getSelection().toString()") == "A lighthouse <b>stands</b>"
    home.evaluate("getSelection().empty()")
    worker.finish(claim)
    expect(home.locator(".reply.done .text li")).to_have_text(
        ["on", "a rock,\nand é shines."]
    )
    assert home.evaluate(
        "window.node === document.querySelector('.reply.done .text').firstChild"
    )
    expect(home.locator(".pending")).to_have_count(0)
    expect(home.locator("#poller input[name=r]")).to_have_count(0)
    expect(home.locator("#poller")).to_have_attribute(
        "hx-trigger", re.compile(r"delay:([89]\d\d|1[0-2]\d\d)ms")
    )
    assert home.evaluate("window.said") == [
        "The reply has started.",
        "The reply is ready.",
    ]
    expect(box_of(home)).to_be_focused()


def test_a_prompt_appears_without_a_new_page_and_the_box_is_free_again(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "one", "1")
    home.evaluate("window.isTheSamePage = true")
    say(home, "two\nlines")
    expect(home.locator(".message .text").last).to_have_text("two\nlines")
    expect(box_of(home)).to_have_value("")
    expect(box_of(home)).to_be_focused()
    worker.finish(worker.claim(), "2")
    expect(home.locator(".reply.done .text").last).to_have_text("2")
    assert home.evaluate("window.isTheSamePage")


def test_the_page_follows_the_text_only_while_its_end_is_in_sight(
    home: Page, worker: Worker
) -> None:
    begin(home, "one")
    claim = worker.claim()
    worker.write(claim, "line\n" * 60 + "end")
    expect(growing(home)).to_contain_text("end")
    becomes_true(
        home,
        """() => {
      const content = document.getElementById("content");
      return content.scrollHeight - content.scrollTop - content.clientHeight < 2;
    }""",
    )
    home.locator("#content").hover()
    home.mouse.wheel(0, -500)
    becomes_true(
        home,
        """() => {
      const content = document.getElementById("content");
      return content.scrollHeight - content.scrollTop - content.clientHeight > 400;
    }""",
    )
    before = home.evaluate("document.getElementById('content').scrollTop")
    worker.write(claim, "\nmore" * 20 + " and the last")
    expect(growing(home)).to_contain_text("the last")
    worker.finish(claim)
    expect(home.locator(".reply.done")).to_be_attached()
    assert home.evaluate("document.getElementById('content').scrollTop") == before


def test_a_second_prompt_waits_for_the_first_and_goes_out_by_itself(
    home: Page, worker: Worker
) -> None:
    begin(home, "one")
    home.evaluate(WATCH)
    first = worker.claim()
    worker.write(first, "Uno")
    expect(growing(home)).to_have_text("Uno")
    say(home, "two")
    expect(home.locator(".reply.held")).to_contain_text("Sends after this reply")
    worker.finish(first)
    second = worker.claim()
    worker.write(second, "Dos")
    expect(home.locator(".reply.done")).to_have_count(1)
    expect(growing(home)).to_have_text("Dos")
    worker.finish(second)
    expect(home.locator(".reply.done .text")).to_have_text(["Uno", "Dos"])
    said = home.evaluate("window.said")
    assert said[:2] == [
        "The reply has started.",
        "Your message sends after this reply.",
    ]
    assert said[-1] == "The reply is ready."


def test_stop_beside_send_ends_the_reply_and_keeps_its_text(
    home: Page, worker: Worker
) -> None:
    begin(home, "Tell me everything")
    claim = worker.claim()
    worker.write(claim, "First of all")
    expect(growing(home)).to_have_text("First of all")
    home.locator("#stop").click()
    expect(home.locator(".status-line")).to_contain_text("Stopping…")
    assert worker.write(claim, ",") == "stop"
    worker.finish(claim, outcome=wire.Outcome.STOPPED)
    expect(home.locator(".reply.stopped .text")).to_have_text("First of all,")
    expect(home.locator(".reply.stopped")).to_contain_text("Stopped")
    expect(home.locator("#stop")).to_have_count(0)


def test_the_line_moves_up_while_one_waits(
    home: Page, guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    worker.announce(free=0)
    other = guest().new_page()
    other.goto("/")
    begin(other, "hi")
    begin(home, "A longer prompt, which stands behind the short one")
    expect(home.locator(".ticket")).to_contain_text("1ahead of you")
    worker.claim()
    expect(home.locator(".ticket")).to_contain_text("Nextin line")


def test_a_tab_opened_before_the_first_prompt_can_still_send(
    home: Page, worker: Worker
) -> None:
    older = home.context.new_page()
    older.goto("/")
    begin(home, "from the newer tab")
    begin(older, "from the older tab")
    home.goto("/")
    expect(home.locator("#conversations .entry")).to_have_count(2)


def test_what_is_wrong_with_a_prompt_stands_beside_it(
    home: Page, worker: Worker
) -> None:
    begin(home, "one")
    home.get_by_role("button", name="Send").click()
    expect(home.get_by_role("alert").first).to_have_text("Write a message first.")
    expect(box_of(home)).to_have_attribute("aria-invalid", "true")
    long = "x" * 8001
    box_of(home).fill(long)
    expect(home.locator("#refusal")).to_have_text("")
    expect(home.locator("#counter")).to_have_text("8,001 of 8,000 characters")
    home.keyboard.press("Enter")
    expect(home.locator("#refusal")).to_contain_text("8,001 of 8,000 characters")
    expect(box_of(home)).to_have_value(long)
    expect(home.locator(".message")).to_have_count(1)


def test_a_prompt_on_its_way_is_shown_once(home: Page, worker: Worker) -> None:
    answered(home, worker, "one", "1")
    waiting: list[Route] = []
    home.route("**/send/", lambda route: waiting.append(route))  # noqa: PLW0108
    say(home, "two <b>")
    expect(home.locator(".message.sending .text")).to_have_text("two <b>")
    expect(home.locator("[id^=message-]")).to_have_count(1)
    waiting[0].continue_()
    expect(home.locator("[id^=message-]")).to_have_count(2)
    expect(home.locator(".message .text")).to_have_text(["one", "two <b>"])
    say(home, "three")
    expect(home.locator(".message.sending .text")).to_have_text("three")
    waiting[1].abort()
    expect(home.locator(".message .text")).to_have_text(["one", "two <b>"])
    expect(home.locator("#refusal")).to_contain_text("can’t be reached")


def test_shift_enter_and_a_composed_character_do_not_send(
    home: Page, worker: Worker
) -> None:
    box_of(home).fill("one")
    home.keyboard.press("Shift+Enter")
    home.keyboard.type("two")
    expect(box_of(home)).to_have_value("one\ntwo")
    box_of(home).dispatch_event("keydown", {"key": "Enter", "keyCode": 229})
    box_of(home).dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    expect(box_of(home)).to_have_value("one\ntwo")
    assert not CONVERSATION.search(home.url)


def test_a_reply_that_came_without_a_new_page_loads_no_frame(
    home: Page, worker: Worker
) -> None:
    begin(home, "one")
    expect(home.locator(".reply.pending")).to_have_count(1)
    say(home, "two")
    expect(home.locator(".reply.pending")).to_have_count(2)
    assert len(home.frames) == 1


def test_a_hidden_tab_does_not_ask(home: Page, worker: Worker) -> None:
    begin(home, "one")
    claim = worker.claim()
    worker.write(claim, "Seen")
    expect(growing(home)).to_have_text("Seen")
    home.evaluate("""() => {
      window.isAway = true;
      Object.defineProperty(document, "hidden", { get: () => window.isAway });
    }""")
    worker.write(claim, " unseen")
    with suppress(PlaywrightTimeout), home.expect_request(POLL, timeout=300):
        pass  # one that began before
    with pytest.raises(PlaywrightTimeout), home.expect_request(POLL, timeout=500):
        pass
    home.evaluate("""() => {
      window.isAway = false;
      document.dispatchEvent(new Event("visibilitychange"));
    }""")
    expect(growing(home)).to_have_text("Seen unseen")


@pytest.mark.parametrize("width", [320, 360] if IS_SOAK else [320])
def test_a_narrow_phone_shows_everything_without_scrolling_sideways(
    width: int, guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    phone = guest(
        viewport={"width": width, "height": 640}, has_touch=True, is_mobile=True
    )
    page = phone.new_page()

    def fits() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    page.goto("/")
    fits()
    worker.announce(free=0)
    box_of(page).fill("Donaudampfschifffahrtsgesellschaft" * 9)
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".ticket")).to_be_visible()
    fits()
    claim = worker.claim()
    worker.write(claim, "https://example.org/" + "a" * 300)
    expect(growing(page)).to_contain_text("aaa")
    fits()
    page.get_by_role("button", name="Conversations").click()
    expect(page.locator("#conversations .entry")).to_be_visible()
    fits()
    page.get_by_role("button", name="Close the list").click()
    expect(page.locator("#conversations .entry")).to_be_hidden()
