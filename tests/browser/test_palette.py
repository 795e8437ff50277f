"""The palette under Ctrl+K, by the keyboard alone and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import Worker
from tests.browser.user_actions import answered, begin, box_of

PHONE = {"width": 390, "height": 664}


def open_palette(page: Page) -> Locator:
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox")
    expect(field).to_be_focused()
    return field


def chosen(page: Page) -> Locator:
    """The option that Enter would take, as assistive technology is told."""
    name = page.get_by_role("combobox").get_attribute("aria-activedescendant")
    option = page.locator(f"#{name}")
    expect(option).to_have_attribute("aria-selected", "true")
    return option


def test_arrows_lead_to_a_conversation_and_to_a_message(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "How is a bowline tied?", "Begin with a **small** loop.")
    home.goto("/")
    answered(home, worker, "What is a splice?", "Two ropes become one.")
    field = open_palette(home)
    recent = home.get_by_role("group", name="Recent").get_by_role("option")
    expect(recent).to_have_text(["What is a splice?", "How is a bowline tied?"])
    expect(chosen(home)).to_have_text("New conversation")
    home.keyboard.press("ArrowUp")
    expect(chosen(home)).to_have_text("How is a bowline tied?")
    home.keyboard.press("Enter")
    expect(home.locator("#heading")).to_have_text("How is a bowline tied?")

    open_palette(home)
    home.keyboard.type("rope")
    message = home.get_by_role("group", name="Messages").get_by_role("option")
    expect(message.locator(".snippet")).to_have_text("Two ropes become one.")
    expect(message).to_have_attribute("aria-selected", "true")
    home.keyboard.press("Enter")
    home.wait_for_url(re.compile(r"\?at=.+#reply-"))
    expect(field).to_be_hidden()
    expect(home.locator("#heading")).to_have_text("What is a splice?")


def test_commands_are_chosen_by_their_names(home: Page, worker: Worker) -> None:
    begin(home, "one")
    open_palette(home)
    home.keyboard.type("dark")
    expect(chosen(home)).to_have_text("Theme: dark")
    home.keyboard.press("Enter")
    expect(home.locator("html")).to_have_attribute("data-theme", "dark")
    expect(home.get_by_role("combobox")).to_be_hidden()
    expect(box_of(home)).to_be_focused()

    open_palette(home)
    home.keyboard.type("rename")
    expect(chosen(home)).to_have_text("Rename this conversation")
    home.keyboard.press("Enter")
    expect(home.get_by_role("textbox", name="Title")).to_be_focused()
    home.keyboard.press("Escape")

    open_palette(home)
    home.keyboard.type("keyb")
    expect(chosen(home)).to_have_text("Keyboard shortcuts")
    home.keyboard.press("Enter")
    expect(home.locator("#shortcuts")).to_be_visible()
    home.keyboard.press("Escape")

    open_palette(home)
    home.keyboard.type("chat")
    offered = home.locator("#palette-commands [role=option]:visible")
    expect(offered).to_have_text(["Temporary chat"])  # none to keep
    home.get_by_role("combobox").fill("share")
    expect(chosen(home)).to_have_text("Share this conversation")
    home.keyboard.press("Enter")
    home.wait_for_url("**/share/")
    home.go_back()

    open_palette(home)
    home.keyboard.type("conv sett")
    expect(chosen(home)).to_have_text("Conversation settings")
    home.keyboard.press("Enter")
    home.wait_for_url("**/settings/")


def test_escape_and_the_shortcut_close_it_and_give_the_focus_back(
    home: Page, worker: Worker
) -> None:
    for key in ("Escape", "Control+k"):
        open_palette(home)
        home.keyboard.press(key)
        expect(home.get_by_role("combobox")).to_be_hidden()
        expect(box_of(home)).to_be_focused()


def test_what_nothing_matches_is_said_and_enter_leads_to_the_page_of_search(
    home: Page, worker: Worker
) -> None:
    open_palette(home)
    home.keyboard.type("zebra")
    expect(home.locator("#palette-found")).to_contain_text("No results for “zebra”")
    expect(home.locator("#palette-status")).to_have_text("0 results")
    home.keyboard.press("Enter")
    home.wait_for_url("**/search/?q=zebra")


def test_on_a_phone_the_link_opens_it_and_it_fills_the_screen(
    guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = guest(viewport=PHONE, has_touch=True, is_mobile=True).new_page()
    page.goto("/")
    page.get_by_role("button", name="Conversations").tap()
    page.get_by_role("link", name="Search", exact=True).tap()
    expect(page.get_by_role("combobox")).to_be_focused()
    size = page.locator("#palette").bounding_box()
    assert size == {"x": 0, "y": 0, **PHONE}
    page.get_by_role("combobox").fill("theme dark")
    page.get_by_role("option", name="Theme: dark").tap()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Conversations").tap()
    page.get_by_role("link", name="Search", exact=True).tap()
    page.get_by_role("button", name="Close", exact=True).tap()
    expect(page.get_by_role("combobox")).to_be_hidden()
