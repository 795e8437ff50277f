"""What makes it comfortable: settings, themes, marks, shortcuts, the meter."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from tests.browser.conftest import DESK, Worker
from tests.browser.stored_texts import begin_shelf
from tests.browser.user_actions import (
    answered,
    becomes_true,
    begin,
    box_of,
    next_frame,
    say,
)

PHONE: ViewportSize = {"width": 390, "height": 664}
HIDE = """(isAway) => {
  Object.defineProperty(document, "hidden", { get: () => isAway, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
#: Records what would be shown by the system.
NOTICES = """() => {
  window.notices = [];
  window.Notification = class extends EventTarget {
    static permission = "granted";
    static requestPermission = async () => "granted";
    constructor(title, options) { super(); window.notices.push([title, options.body]); }
  };
}"""


def test_a_page_stays_in_its_language_until_it_loads_again(
    home: Page, worker: Worker
) -> None:
    begin(home, "hello")
    claim = worker.claim()
    other = home.context.new_page()
    other.goto("/settings/")
    other.get_by_label("Language").select_option("Deutsch")
    other.get_by_role("button", name="Save").click()
    expect(other.locator("html")).to_have_attribute("lang", "de")
    worker.finish(claim, "Hi")
    expect(home.get_by_role("button", name="Regenerate")).to_be_visible()
    home.reload()
    expect(home.get_by_role("button", name="Neu generieren")).to_be_visible()


def test_a_theme_is_chosen_and_stays(home: Page, worker: Worker) -> None:
    background = "getComputedStyle(document.documentElement).backgroundColor"
    light = home.evaluate(background)
    home.get_by_role("link", name="Settings", exact=True).click()
    home.get_by_label("Dark").check()
    assert home.evaluate(background) != light
    home.goto("/")
    assert home.evaluate(background) != light
    home.goto("/settings/")
    expect(home.get_by_label("Dark")).to_be_checked()
    home.get_by_label("System").check()
    assert home.evaluate(background) == light
    home.goto("/")
    assert home.evaluate(background) == light


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_saving_is_always_in_reach(
    size: ViewportSize, home: Page, worker: Worker
) -> None:
    home.set_viewport_size(size)
    home.goto("/settings/")
    save = home.get_by_role("button", name="Save")
    expect(save).to_be_in_viewport(ratio=1)
    for section in ("Data", "Model", "General"):
        home.get_by_role("link", name=section, exact=True).click()
        heading = home.get_by_role("heading", name=section, exact=True)
        expect(heading).to_be_in_viewport(ratio=1)
        expect(save).to_be_in_viewport(ratio=1)
    home.get_by_label("Custom instructions").fill("Be brief.")
    save.click()
    expect(home.get_by_text("Saved.")).to_be_in_viewport()
    expect(home.get_by_label("Custom instructions")).to_have_value("Be brief.")


def test_settings_of_a_conversation_are_reached_from_its_head(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "one", "First")
    home.locator("#model-button").click()
    home.get_by_role("menuitem", name="Conversation settings…").click()
    home.get_by_label("Instructions").fill("Answer in rhymes.")
    expect(home.get_by_label("Temperature")).to_be_hidden()
    home.get_by_text("Advanced: sampling").click()
    home.get_by_label("Temperature").fill("0.3")
    home.get_by_role("button", name="Save", exact=True).click()
    expect(home.locator(".reply.done")).to_have_count(1)
    say(home, "two")
    request = worker.claim().request
    assert '"role":"system","text":"Answer in rhymes."' in request
    assert '"temperature":0.3' in request


def test_a_reply_that_ends_while_nobody_looks_marks_the_tab_and_notifies(
    home: Page, worker: Worker
) -> None:
    home.goto("/settings/")
    home.evaluate(NOTICES)
    home.get_by_label("Notify me when a reply is ready").check()
    home.goto("/")
    begin(home, "one")
    home.evaluate(NOTICES)
    claim = worker.claim()
    home.evaluate(HIDE, True)
    home.evaluate("HIDDEN = Date.now; Date.now = () => HIDDEN() + 60000")
    worker.finish(claim, "First")
    home.evaluate("htmx.trigger('#poller', 'poll-now')")
    expect(home).to_have_title("(1) one · chatsite")
    assert home.evaluate("window.notices") == [
        ["The reply is ready.", "one · chatsite"]
    ]
    icon = home.locator("link[rel=icon]")
    expect(icon).to_have_attribute("href", re.compile("favicon-marked"))
    home.evaluate(HIDE, False)
    expect(home).to_have_title("one · chatsite")
    expect(icon).to_have_attribute("href", re.compile("^data:image/svg"))


def test_new_text_below_is_told_and_one_click_away(home: Page, worker: Worker) -> None:
    begin(home, "one")
    claim = worker.claim()
    worker.write(claim, "line\n" * 80)
    expect(home.locator(".pending .text")).to_contain_text("line")
    button = home.get_by_role("button", name="Jump to the latest")
    expect(button).to_be_hidden()
    home.locator("#content").hover()
    before = home.locator("#content").evaluate("it => it.scrollTop")
    home.mouse.wheel(0, -600)
    becomes_true(
        home, "before => document.querySelector('#content').scrollTop < before", before
    )
    next_frame(home)
    worker.write(claim, "more\n" * 5)
    expect(button.locator(".new")).to_be_visible()
    worker.finish(claim)
    expect(home.locator(".reply.done")).to_be_attached()
    expect(button.locator(".new")).to_be_hidden()
    button.click()
    expect(button).to_be_hidden()
    becomes_true(
        home,
        """() => {
      const content = document.getElementById("content");
      return content.scrollHeight - content.scrollTop - content.clientHeight < 2;
    }""",
    )


def test_shortcuts_do_what_their_sheet_says(home: Page, worker: Worker) -> None:
    begin(home, "one")
    claim = worker.claim()
    worker.write(claim, "So far")
    expect(home.locator(".pending .text")).to_have_text("So far")
    home.keyboard.press("Control+.")
    expect(home.locator(".status-line")).to_contain_text("Stopping…")
    worker.finish(claim, outcome="stopped")
    expect(home.locator(".reply.stopped")).to_have_count(1)
    home.keyboard.press("Control+/")
    expect(home.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
    home.keyboard.press("Escape")
    expect(home.get_by_role("heading", name="Keyboard shortcuts")).to_be_hidden()
    home.locator("#content").focus()
    home.keyboard.press("Shift+Escape")
    expect(box_of(home)).to_be_focused()
    home.keyboard.press("ArrowUp")
    expect(home.get_by_label("Edit message")).to_have_value("one")


def test_the_meter_fills_with_the_conversation_and_what_is_typed(
    home: Page, worker: Worker
) -> None:
    begin(home, "one")
    worker.finish(worker.claim(), "First", prompt_tokens=1024, new_tokens=24)
    meter = home.locator("#meter")
    expect(meter).to_be_hidden()
    box_of(home).fill("x" * 5000)
    expect(meter).to_be_hidden()
    box_of(home).fill("x" * 6000)
    expect(meter).to_contain_text("61% of context")
    box_of(home).fill("")
    expect(meter).to_be_hidden()


def test_on_touch_enter_breaks_the_line(
    guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    phone = guest(has_touch=True, is_mobile=True).new_page()
    phone.goto("/")
    box_of(phone).fill("one")
    box_of(phone).press("Enter")
    box_of(phone).press_sequentially("two")
    expect(box_of(phone)).to_have_value("one\ntwo")


def test_earlier_messages_come_without_moving_what_is_read(
    home: Page, worker: Worker
) -> None:
    shelf = begin_shelf(home, worker)
    long = shelf.put("turn", [f"answer {turn}" for turn in range(30)])
    home.goto(f"/c/{long}/")
    expect(home.locator(".message")).to_have_count(25)
    place = "document.querySelectorAll('.message')[{}].getBoundingClientRect().top"
    scroll = "document.getElementById('content').scrollTop = 40"
    # At once: scrolling asks for the earlier ones, which would come in between.
    before = home.evaluate(f"({scroll}, {place.format(0)})")
    expect(home.locator(".message")).to_have_count(30)
    after = home.evaluate(place.format(5))
    assert (
        abs(after - before) < 3
        or home.evaluate("document.getElementById('content').scrollTop") == 0
    )
    expect(home.locator("#earlier")).to_have_count(0)
