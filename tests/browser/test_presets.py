""" "/" in an empty message box, as a person with a keyboard finds it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Worker
from tests.browser.user_actions import answered, have_presets

LIST = "#preset-list"
ACTIVE = f"{LIST} [aria-selected=true] .title"


def type_in(page: Page, text: str) -> None:
    page.focus("#text")
    page.keyboard.type(text)


def test_on_the_empty_page_a_slash_picks_what_the_message_carries(
    home: Page, worker: Worker
) -> None:
    have_presets(home, "Poet", "Critic", "Printer")
    home.reload()
    type_in(home, "/")
    expect(home.locator(ACTIVE)).to_have_text("Critic")
    expect(home.locator("#text")).to_have_attribute(
        "aria-activedescendant", "preset-option-1"
    )
    home.keyboard.press("ArrowUp")
    expect(home.locator(ACTIVE)).to_have_text("Printer")
    home.keyboard.type("p")
    expect(home.locator(f"{LIST} [role=option]:visible")).to_have_count(2)
    home.keyboard.press("ArrowUp")
    home.keyboard.press("Enter")
    expect(home.locator(LIST)).to_be_hidden()
    expect(home.locator("#text")).to_have_value("")
    expect(home.locator("#preset option:checked")).to_have_text(
        "Poet · SmolLM2 135M Instruct"
    )
    expect(home.locator("#status")).to_have_text("The preset “Poet” is picked.")
    type_in(home, "hello")
    home.keyboard.press("Enter")
    home.wait_for_url("**/c/**")
    expect(home.locator("#chip .chip:visible")).to_contain_text("SmolLM2")


def test_in_a_conversation_it_is_applied_and_other_words_are_sent(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "one", "two")
    have_presets(home, "Poet")
    type_in(home, "/")
    expect(home.locator(ACTIVE)).to_have_text("Poet")
    home.keyboard.press("Escape")
    expect(home.locator(LIST)).to_be_hidden()
    expect(home.locator("#text")).to_have_value("/")
    home.keyboard.type("etc is a folder")
    home.keyboard.press("Enter")
    expect(home.locator(".message .text").last).to_have_text("/etc is a folder")
    type_in(home, "/po")
    expect(home.locator(ACTIVE)).to_have_text("Poet")
    home.locator(f"{LIST} [role=option]").click()
    expect(home.locator(".preset-said")).to_have_text(
        "The preset “Poet” holds from the next reply."
    )
    expect(home.locator("#text")).to_be_focused()
    home.goto(f"{home.url}settings/")
    expect(home.locator("[name=instructions]")).to_have_value("As Poet.")
