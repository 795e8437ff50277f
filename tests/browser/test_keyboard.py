"""Everything with the keyboard alone: no pointer is used here."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from chatsite import wire
from tests.browser.conftest import Worker
from tests.browser.user_actions import (
    CONVERSATION,
    answered,
    becomes_true,
    box_of,
)


def focus_by_tab(page: Page, name: str, most: int = 60) -> None:
    """Tab until something of that accessible name has the focus, and shows it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(NAME_OF_FOCUS).startswith(name):
            assert page.evaluate("document.activeElement.matches(':focus-visible')")
            return
    raise AssertionError(f"{name!r} is not reached")


def choose_option(page: Page, name: str) -> None:
    """Choose from the menu of the first conversation, by the first letter."""
    focus_by_tab(page, "Options for")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press(name[0])
    expect(page.get_by_role("menuitem", name=name)).to_be_focused()
    page.keyboard.press("Enter")


NAME_OF_FOCUS = """() => {
  const it = document.activeElement;
  return (it.getAttribute("aria-label") ?? it.innerText ?? "").trim();
}"""


def test_send_stop_another_reply_edit_rename_delete(home: Page, worker: Worker) -> None:
    expect(box_of(home)).to_be_focused()
    home.keyboard.type("What is a bee?")
    home.keyboard.press("Enter")
    home.wait_for_url(CONVERSATION)
    expect(box_of(home)).to_be_focused()
    claim = worker.claim()
    worker.write(claim, "So far")
    expect(home.locator(".pending .text")).to_have_text("So far")

    # Stop, which stands behind the box
    focus_by_tab(home, "Stop")
    home.keyboard.press("Enter")
    expect(home.locator(".status-line")).to_contain_text("Stopping…")
    worker.finish(claim, outcome=wire.Outcome.STOPPED)
    expect(home.locator(".reply.stopped")).to_have_count(1)
    expect(box_of(home)).to_be_focused()

    # Another reply in its place
    focus_by_tab(home, "Try again")
    home.keyboard.press("Enter")
    worker.finish(worker.claim(), "An insect.")
    expect(home.locator(".reply.done .text")).to_have_text("An insect.")
    expect(box_of(home)).to_be_focused()
    focus_by_tab(home, "Previous version")
    home.keyboard.press("Space")
    expect(home.locator(".reply.stopped .text")).to_have_text("So far")
    becomes_true(home, "document.activeElement !== document.body")

    # Change the prompt
    focus_by_tab(home, "Edit")
    home.keyboard.press("Enter")
    expect(home.get_by_label("Edit message")).to_be_focused()
    home.keyboard.press("Control+A")
    home.keyboard.type("What is a bear?")
    home.keyboard.press("Control+Enter")
    expect(home.locator(".message .text")).to_have_text("What is a bear?")
    worker.finish(worker.claim(), "A mammal.")
    expect(home.locator(".reply.done .text")).to_have_text("A mammal.")

    # Rename
    choose_option(home, "Rename")
    expect(home.locator(".rename input:not([type=hidden])")).to_be_focused()
    home.keyboard.press("Control+A")
    home.keyboard.type("Animals")
    home.keyboard.press("Enter")
    expect(home.get_by_role("heading", name="Animals")).to_be_visible()

    # Delete, and take it back
    choose_option(home, "Delete")
    expect(home.locator(".entry .title")).to_have_count(0)
    focus_by_tab(home, "Undo")
    home.keyboard.press("Enter")
    expect(home.locator(".entry .title")).to_have_text("Animals")


CTRL, SHIFT, ALT, META = 2, 8, 1, 4


def press(page: Page, key: str, code: str, modifiers: int) -> None:
    """One key as a layout has it: what it types, and its place."""
    session = page.context.new_cdp_session(page)
    pressed = {"key": key, "code": code, "modifiers": modifiers}
    session.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **pressed})
    session.send("Input.dispatchKeyEvent", {"type": "keyUp", **pressed})


@pytest.mark.parametrize(
    ("key", "code", "modifiers"),
    [
        ("/", "Slash", CTRL),
        ("/", "Slash", META),
        ("/", "Digit7", CTRL + SHIFT),  # German
        ("/", "Period", CTRL + SHIFT),  # French
    ],
)
def test_the_list_of_shortcuts_opens_on_every_layout(
    home: Page, key: str, code: str, modifiers: int
) -> None:
    press(home, key, code, modifiers)
    expect(home.locator("#shortcuts")).to_be_visible()


@pytest.mark.parametrize(("key", "code"), [("K", "KeyK"), ("л", "KeyK"), ("k", "KeyV")])
def test_search_is_reached_with_caps_lock_cyrillic_and_dvorak(
    home: Page, key: str, code: str
) -> None:
    expect(box_of(home)).to_be_focused()
    press(home, key, code, CTRL)
    expect(home.get_by_role("combobox")).to_be_focused()


def test_a_mac_has_the_command_key_in_place_of_ctrl(
    guest: Callable[..., BrowserContext],
) -> None:
    page = guest().new_page()
    page.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'platform', {value: 'MacIntel'})"
    )
    page.goto("/")
    expect(page.locator("#search-link .keys")).to_have_text("⌘ K")
    hide = page.get_by_role("button", name="Hide the list")
    expect(hide).to_have_attribute("title", "Hide the list (⌘+B)")
    expect(hide).to_have_attribute("aria-keyshortcuts", "Meta+B")
    page.keyboard.press("Meta+/")
    expect(page.locator("#shortcuts")).to_contain_text("⌘")
    expect(page.locator("#shortcuts")).not_to_contain_text("Ctrl")


def test_other_keys_stay_what_they_are(home: Page) -> None:
    expect(box_of(home)).to_be_focused()
    for key, code, modifiers in [
        ("K", "KeyK", CTRL + SHIFT),
        ("/", "Slash", CTRL + ALT),
        ("t", "KeyK", CTRL),
    ]:
        press(home, key, code, modifiers)
    expect(box_of(home)).to_be_focused()
    expect(home.locator("#shortcuts")).to_be_hidden()


def test_a_refused_clipboard_says_so_and_selects_the_text(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "hello", "the answer")
    home.evaluate(
        """() => {
          navigator.clipboard.write = () => Promise.reject(new Error("no"));
          document.execCommand = () => false;
        }"""
    )
    home.locator(".reply .copy").click()
    expect(home.locator("#refusal")).to_contain_text("doesn’t let this page copy")
    assert home.evaluate("getSelection().toString().trim()") == "the answer"
