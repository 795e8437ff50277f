"""The head of a page: the menu of the conversation, the model, the list that hides."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from chatsite import wire
from tests.browser.conftest import DESK, Worker
from tests.browser.test_history import HAS_FOCUS, press_enter
from tests.browser.user_actions import CONVERSATION, answered, begin, box_of, say

PHONE: ViewportSize = {"width": 390, "height": 664}
OPEN_MENU = ".menu:popover-open"
IS_INSIDE = """menu => {
  const { left, top, right, bottom } = menu.getBoundingClientRect();
  return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
}"""


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def sized(request: pytest.FixtureRequest, home: Page) -> Page:
    home.set_viewport_size(request.param)
    return home


def test_a_conversation_is_renamed_in_the_head_by_keys(
    sized: Page, worker: Worker
) -> None:
    answered(sized, worker, "A first title", "1")
    sized.locator("#head-menu-button").focus()
    sized.keyboard.press("ArrowDown")
    expect(sized.get_by_role("menuitem", name="Pin")).to_be_focused()
    sized.keyboard.press("ArrowDown")
    expect(sized.get_by_role("menuitem", name="Rename")).to_be_focused()
    sized.keyboard.press("Enter")
    field = sized.get_by_role("textbox", name="Title")
    expect(field).to_be_focused()
    expect(sized.locator("#heading")).to_be_hidden()
    sized.keyboard.press("Escape")
    expect(sized.locator("#head-menu-button")).to_be_focused()
    sized.keyboard.press("Enter")
    expect(sized.get_by_role("menuitem", name="Pin")).to_be_focused()
    sized.keyboard.press("ArrowDown")
    expect(sized.get_by_role("menuitem", name="Rename")).to_be_focused()
    sized.keyboard.press("Enter")
    field.fill("A better title")
    press_enter(sized)
    expect(sized.locator("#heading")).to_have_text("A better title")
    expect(sized.locator("#head-menu-button")).to_be_focused()
    expect(sized.locator(".rename")).to_have_count(0)


def test_a_conversation_is_deleted_from_the_head(sized: Page, worker: Worker) -> None:
    answered(sized, worker, "Will be deleted", "1")
    sized.locator("#head-menu-button").click()
    assert sized.locator(OPEN_MENU).evaluate(IS_INSIDE)
    sized.get_by_role("menuitem", name="Delete").click()
    sized.wait_for_url(re.compile(r"/\?deleted="))
    expect(sized.get_by_role("button", name="Undo")).to_be_focused()
    sized.keyboard.press("Enter")
    sized.wait_for_url(CONVERSATION)


def test_another_model_is_one_click_away(sized: Page, worker: Worker) -> None:
    answered(sized, worker, "one", "1")
    typed = "What is typed stays"
    box_of(sized).fill(typed)
    chip = sized.locator("#model-button")
    chip.click()
    items = sized.get_by_role("menuitemradio")
    expect(items.filter(has_text="Scripted replies")).to_be_focused()
    expect(items.filter(has_text="Scripted replies")).to_contain_text("ready")
    assert sized.locator(OPEN_MENU).evaluate(IS_INSIDE)
    smollm2 = items.filter(has_text="SmolLM2")
    expect(smollm2).to_contain_text("offline")
    smollm2.click()
    expect(sized.locator(OPEN_MENU)).to_have_count(0)
    expect(chip).to_contain_text("SmolLM2")
    expect(chip).to_be_focused()
    expect(box_of(sized)).to_have_value(typed)
    expect(sized).to_have_url(CONVERSATION)
    sized.keyboard.press("Enter")
    expect(smollm2).to_have_attribute("aria-checked", "true")
    sized.keyboard.press("Escape")
    expect(chip).to_be_focused()
    sized.reload()
    expect(chip).to_contain_text("SmolLM2")


def test_the_name_of_the_model_is_shown_where_it_changes(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "one", "First")
    say(home, "two")
    worker.finish(worker.claim(), "Second")
    expect(home.locator(".reply.done")).to_have_count(2)
    names = home.locator(".reply .author")
    shown = "names => names.map(it => it.offsetHeight > 1)"
    assert names.evaluate_all(shown) == [True, False]
    expect(home.get_by_role("heading", name="Scripted replies")).to_have_count(2)
    home.locator("#model-button").click()
    home.get_by_role("menuitemradio", name="SmolLM2").click()
    expect(home.locator("#model-button")).to_contain_text("SmolLM2")
    say(home, "three")
    expect(names).to_have_count(3)
    for _ in range(2):
        assert names.evaluate_all(shown) == [True, False, True]
        home.reload()


def test_a_model_is_picked_before_the_first_message(home: Page, worker: Worker) -> None:
    home.locator("#model-button").click()
    with home.expect_navigation():  # as the guest that the visitor is from now on
        home.get_by_role("menuitemradio").filter(has_text="Scripted").click()
    expect(home.locator("#model-button")).to_contain_text("Scripted replies")
    say(home, "one")
    home.wait_for_url(CONVERSATION)
    assert worker.claim().request


def test_the_settings_save_the_model_that_was_picked_in_the_head(
    home: Page, worker: Worker
) -> None:
    begin(home, "one")
    home.goto("/settings/")
    home.get_by_label("Custom instructions").fill("Be brief.")
    home.locator("#model-button").click()
    home.get_by_role("menuitemradio").filter(has_text="SmolLM2").click()
    expect(home.get_by_role("radio", name=re.compile("SmolLM2"))).to_be_checked()
    expect(home.get_by_label("Custom instructions")).to_have_value("Be brief.")


def test_the_head_says_what_becomes_of_the_model(home: Page, worker: Worker) -> None:
    told = worker.announce(wire.Stage.FETCHING, progress=0.43)
    home.goto("/")
    chip = home.locator("#model-button")
    expect(chip).to_contain_text("downloading 43%")
    worker.leave(told)
    expect(chip).to_contain_text("offline")


def test_on_a_desk_the_list_is_hidden_and_stays_so(home: Page, worker: Worker) -> None:
    sidebar = home.locator("#sidebar")
    new = home.get_by_role("link", name="New conversation")
    home.keyboard.press("Control+b")
    expect(sidebar).to_be_hidden()
    expect(box_of(home)).to_be_focused()
    # It is hidden from the first byte of a page on.
    home.goto("/settings/")
    assert home.evaluate("document.documentElement.dataset.list") == "hidden"
    expect(sidebar).to_be_hidden()
    home.get_by_role("button", name="Show the list").click()
    expect(sidebar).to_be_visible()
    hide = home.get_by_role("button", name="Hide the list")
    expect(hide).to_be_focused()
    hide.press("Enter")
    expect(sidebar).to_be_hidden()
    assert home.evaluate(HAS_FOCUS, ".list-show")
    new.click()
    home.wait_for_url("**/")
    home.keyboard.press("Control+B")  # with Caps Lock
    expect(sidebar).to_be_visible()


def test_on_a_phone_the_list_comes_and_goes(home: Page, worker: Worker) -> None:
    home.set_viewport_size(PHONE)
    home.get_by_role("button", name="Conversations").click()
    expect(home.locator("#sidebar")).to_be_visible()
    expect(home.get_by_role("button", name="Hide the list")).to_be_hidden()
    home.keyboard.press("Control+b")
    expect(home.locator("#sidebar")).to_be_hidden()


def test_a_new_conversation_is_one_tap_or_one_shortcut_away(
    sized: Page, worker: Worker
) -> None:
    answered(sized, worker, "one", "1")
    sized.keyboard.press("Control+Shift+O")
    sized.wait_for_url("**/")
    expect(box_of(sized)).to_be_focused()
    sized.go_back()
    if sized.viewport_size == PHONE:
        sized.locator("#new-conversation").click()
        sized.wait_for_url("**/")


def test_without_a_script_menus_open_and_the_list_hides(
    guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = guest(java_script_enabled=False).new_page()
    page.goto("/")
    page.get_by_label("Your message").fill("Without a script")
    page.get_by_role("button", name="Send").click()
    page.wait_for_url(re.compile(r"/c/"))
    page.get_by_role("button", name="Hide the list").click()
    expect(page.locator("#sidebar")).to_be_hidden()
    expect(page.locator("#heading")).to_have_text("Without a script")
    page.get_by_role("button", name="Conversation options").click()
    page.get_by_role("link", name="Rename").click()
    page.get_by_role("textbox", name="Title").fill("Renamed")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#heading")).to_have_text("Renamed")
    page.get_by_role("button", name="Show the list").click()
    expect(page.locator("#sidebar")).to_be_visible()
    page.locator("#chip a").click()
    page.wait_for_url("**/settings/")
