"""The row of tools under a message and a reply: copied, read aloud, told when."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Worker
from tests.browser.stage import open_menu
from tests.browser.test_keyboard import focus_by_tab
from tests.browser.user_actions import answered, becomes_true, say

READ = "navigator.clipboard.readText()"
#: Keeps what is shown beside a button, and what is said.
WATCH = r"""() => {
  window.seen = [];
  const status = document.getElementById("status");
  const note = ({ target }) => {
    if (target === status && status.textContent) window.seen.push(status.textContent);
    if (!target.matches(".copied")) return;
    window.seen.push(getComputedStyle(target, "::after").content.match(/\w+/)[0]);
  };
  const options = { subtree: true, childList: true, attributeFilter: ["class"] };
  new MutationObserver((changes) => changes.forEach(note)).observe(document.body, options);
}"""
#: What a program that takes formatted text would paste.
HTML = """async () => {
  const [item] = await navigator.clipboard.read();
  return item.types.includes("text/html") ? (await item.getType("text/html")).text() : "";
}"""
#: A voice that ends each paragraph only when the test says so.
VOICE = """() => {
  window.spoken = [];
  window.SpeechSynthesisUtterance = class extends EventTarget {
    constructor(text) { super(); this.text = text; }
  };
  speechSynthesis.speak = (it) => window.spoken.push(it);
  speechSynthesis.cancel = () => { window.spoken = []; };
}"""
SPOKEN = "window.spoken.map(({ text }) => text)"


def test_what_is_copied_is_seen_and_heard(home: Page, worker: Worker) -> None:
    home.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answered(home, worker, "one", "**First**")
    home.evaluate(WATCH)
    for name, text in (("Copy reply", "**First**"), ("Copy message", "one")):
        home.locator(".message").hover()
        home.get_by_role("button", name=name).click()
        becomes_true(home, "window.seen.length === 2")
        assert sorted(home.evaluate("window.seen.splice(0)")) == ["Copied", "Copied."]
        assert home.evaluate(READ) == text
        assert ("<strong>First</strong>" in home.evaluate(HTML)) == (text != "one")
        expect(home.locator(".copied")).to_have_count(0)
    open_menu(home)
    home.get_by_role("menuitem", name="Copy as Markdown").click()
    expect(home.get_by_role("menuitem", name="Copy as Markdown")).to_be_hidden()
    becomes_true(home, f"{READ}.then(said => said === '**First**')")
    assert home.evaluate(HTML) == ""


def test_the_menu_is_used_by_keyboard_alone(home: Page, worker: Worker) -> None:
    answered(home, worker, "one", "First")
    button = home.locator(".reply .menu-button")
    focus_by_tab(home, "More")
    home.keyboard.press("Enter")
    expect(home.get_by_role("menuitem", name="Details")).to_be_visible()
    home.keyboard.press("Escape")
    expect(home.get_by_role("menuitem", name="Details")).to_be_hidden()
    expect(button).to_be_focused()
    home.keyboard.press("ArrowUp")
    last = home.get_by_role("menuitem", name="Delete message and reply")
    expect(last).to_be_focused()
    home.keyboard.press("ArrowUp")
    expect(home.get_by_role("menuitem", name="Details")).to_be_focused()
    home.keyboard.press("Enter")
    close = home.get_by_role("button", name="Close details")
    expect(close).to_be_focused()
    expect(home.locator(".panel")).to_contain_text("Timing")
    expect(home.locator(".panel dl").first).to_be_in_viewport(ratio=1)
    home.keyboard.press("Enter")
    expect(home.locator(".panel")).to_be_empty()
    expect(button).to_be_focused()


def test_a_reply_is_read_aloud_without_our_labels(home: Page, worker: Worker) -> None:
    home.evaluate(VOICE)
    answered(home, worker, "one", "# Two\n\nparts\n\n```python\nx = 1\n```")
    home.evaluate(VOICE)
    open_menu(home)
    home.get_by_role("menuitem", name="Read aloud").click()
    assert home.evaluate(SPOKEN) == ["Two", "parts", "x = 1"]
    open_menu(home)
    home.get_by_role("menuitem", name="Stop reading").click()
    assert home.evaluate(SPOKEN) == []
    open_menu(home)
    home.get_by_role("menuitem", name="Read aloud").click()
    home.evaluate("window.spoken.at(-1).dispatchEvent(new Event('end'))")
    expect(home.locator(".reply.speaking")).to_have_count(0)


def test_times_are_short_and_exact_where_one_looks(home: Page, worker: Worker) -> None:
    answered(home, worker, "one", "First")
    for kind in (".message", ".reply"):
        time = home.locator(f"{kind} time")
        expect(time).to_have_text("now")
        expect(time).to_have_attribute("title", re.compile(r"\d{4}, .*\d"))
        time.focus()
        shown = time.evaluate("(it) => getComputedStyle(it, '::after').content")
        assert time.get_attribute("title") in shown


def test_a_thumb_is_given_with_a_reason_changed_and_withdrawn(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "one", "First")
    up = home.get_by_role("button", name="Good reply")
    down = home.get_by_role("button", name="Bad reply")
    focus_by_tab(home, "Bad reply")
    home.keyboard.press("Enter")
    expect(down).to_have_attribute("aria-pressed", "true")
    expect(down).to_be_focused()
    expect(home.locator("#status")).to_have_text("Your rating is saved.")
    reason = home.get_by_label("What was wrong? (optional)")
    expect(reason).to_be_in_viewport(ratio=1)
    reason.fill("Too short")
    home.get_by_role("button", name="Save").click()
    expect(home.locator(".panel")).to_be_empty()
    expect(down).to_be_focused()
    open_menu(home)
    home.get_by_role("menuitem", name="Details").wait_for()
    home.keyboard.press("Escape")
    home.reload()
    expect(down).to_have_attribute("aria-pressed", "true")
    open_menu(home)
    home.get_by_role("menuitem", name="Reason for your rating").click()
    expect(reason).to_have_value("Too short")
    expect(reason).to_be_focused()
    up.click()
    expect(home.get_by_label("What was good? (optional)")).to_have_value("")
    expect(down).to_have_attribute("aria-pressed", "false")
    up.click()
    expect(up).to_have_attribute("aria-pressed", "false")
    expect(home.locator(".panel")).to_be_empty()


def test_a_fork_is_a_conversation_of_its_own(home: Page, worker: Worker) -> None:
    answered(home, worker, "one", "First")
    url = home.url
    say(home, "two")
    worker.finish(worker.claim(), "Second")
    expect(home.locator(".reply.done")).to_have_count(2)
    home.locator(".reply .menu-button").first.click()
    home.get_by_role("menuitem", name="Fork from here").click()
    expect(home.get_by_role("heading", level=1)).to_have_text("↳ one")
    assert home.url != url
    expect(home.locator(".reply.done .text")).to_have_text("First")
    say(home, "three")
    worker.finish(worker.claim(), "Third")
    expect(home.locator(".reply.done")).to_have_count(2)
    home.goto(url)
    expect(home.locator(".message .text")).to_have_text(["one", "two"])


def test_a_turn_is_deleted_and_brought_back(home: Page, worker: Worker) -> None:
    answered(home, worker, "one", "First")
    say(home, "two")
    worker.finish(worker.claim(), "Second")
    expect(home.locator(".reply.done")).to_have_count(2)
    home.locator(".reply .menu-button").first.click()
    home.get_by_role("menuitem", name="Delete message and reply").click()
    expect(home.locator(".reply .text")).to_have_text(["Second"])
    expect(home.locator(".message .text")).to_have_text(["two"])
    undo = home.locator("#deleted-turn").get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    home.reload()
    expect(undo).to_be_focused()
    home.keyboard.press("Enter")
    expect(home.locator(".reply .text")).to_have_text(["First", "Second"])
    expect(undo).to_have_count(0)
    expect(home.get_by_label("Your message")).to_be_focused()
