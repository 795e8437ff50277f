"""A message is edited in place: no page load, no jump, and the draft stays."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import DESK, Worker
from tests.browser.stored_texts import begin_shelf
from tests.browser.user_actions import answered, becomes_true, begin, box_of, say

PHONE: ViewportSize = {"width": 390, "height": 664}
LONG = "A long line of an answer, which fills the view.\n\n" * 30
TOP = "it => it.getBoundingClientRect().top"
VIEW = "document.getElementById('content').scrollTop"


def editor(page: Page):
    return page.get_by_label("Edit message")


def edit(page: Page, number: int = -1) -> None:
    message = page.locator(".message").nth(number)
    message.hover()
    message.get_by_role("link", name="Edit").click()
    expect(editor(page)).to_be_focused()


@pytest.fixture
def stays(home: Page):
    """The page is never loaded again once it is marked."""
    yield lambda: home.evaluate("window.isTheSame = true")
    assert home.evaluate("window.isTheSame")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_sent_message_is_edited_where_it_stands(
    size: ViewportSize, home: Page, worker: Worker, stays
) -> None:
    home.set_viewport_size(size)
    answered(home, worker, "What is a bee?", "An insect.")
    stays()
    box_of(home).fill("a draft")
    edit(home)
    expect(editor(home)).to_have_value("What is a bee?")
    editor(home).fill("What is a bear?")
    home.keyboard.press("Control+Enter")
    expect(home.locator(".message .text")).to_have_text("What is a bear?")
    expect(box_of(home)).to_be_focused()
    expect(box_of(home)).to_have_value("a draft")
    worker.finish(worker.claim(), "A mammal.")
    expect(home.locator(".reply.done .text")).to_have_text("A mammal.")
    expect(home.locator(".message .versions")).to_contain_text("2/2")


def test_nothing_jumps_and_cancel_and_escape_bring_the_message_back(
    home: Page, worker: Worker, stays
) -> None:
    answered(home, worker, "one", LONG)
    say(home, "two")
    worker.finish(worker.claim(), LONG)
    expect(home.locator(".reply.done")).to_have_count(2)
    stays()
    message = home.locator(".message").last
    message.scroll_into_view_if_needed()
    message.hover()
    link = message.get_by_role("link", name="Edit")
    top, view = message.evaluate(TOP), home.evaluate(VIEW)
    for leave in (
        lambda: home.keyboard.press("Escape"),
        lambda: home.get_by_role("button", name="Cancel").click(),
    ):
        link.click()
        expect(editor(home)).to_be_focused()
        assert (message.evaluate(TOP), home.evaluate(VIEW)) == (top, view)
        editor(home).fill("two, but\nlonger")
        leave()
        expect(link).to_be_focused()
        expect(message.locator(".text")).to_have_text("two")
        assert (message.evaluate(TOP), home.evaluate(VIEW)) == (top, view)


def test_the_editor_of_the_last_message_does_not_move_it(
    home: Page, worker: Worker
) -> None:
    """The view is at its end, which it follows while nothing is edited."""
    answered(home, worker, "one", LONG)
    say(home, "two")
    worker.finish(worker.claim(), "Short")
    expect(home.locator(".reply.done")).to_have_count(2)
    message = home.locator(".message").last
    top = message.evaluate(TOP)
    expect(box_of(home)).to_be_focused()
    home.keyboard.press("ArrowUp")
    expect(editor(home)).to_have_value("two")
    assert message.evaluate(TOP) == top


def test_what_is_typed_in_the_editor_outlives_the_page(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "one", "First")
    edit(home)
    editor(home).fill("one, and more")
    home.reload()
    edit(home)
    expect(editor(home)).to_have_value("one, and more")
    home.keyboard.press("Escape")
    edit(home)
    expect(editor(home)).to_have_value("one")


def test_a_refused_edit_says_so_in_its_place(home: Page, worker: Worker) -> None:
    answered(home, worker, "one", "First")
    edit(home)
    editor(home).fill(" ")
    home.keyboard.press("Control+Enter")
    refusal = home.locator(".editor .refusal")
    expect(refusal).to_have_text("Write a message first.")
    home.route("**/send/", lambda route: route.abort())
    editor(home).fill("another")
    expect(refusal).to_be_hidden()
    home.get_by_role("button", name="Send").first.click()
    expect(refusal).to_contain_text("can’t be reached")
    expect(editor(home)).to_have_value("another")
    expect(home.locator("#refusal")).to_be_empty()


def test_a_held_message_is_edited_sent_and_deleted_where_it_stands(
    home: Page, worker: Worker, stays
) -> None:
    begin(home, "one")
    claim = worker.claim()
    worker.write(claim, "So far")
    expect(home.locator(".pending .text").first).to_have_text("So far")
    stays()
    for text in ("two", "three"):
        say(home, text)
        expect(home.locator(".message .text").last).to_have_text(text)
        expect(home.locator(".message.sending")).to_have_count(0)
    expect(home.locator(".reply.held")).to_have_count(2)
    box_of(home).fill("a draft")
    home.locator(".reply.held").last.get_by_role("link", name="Edit").click()
    expect(editor(home)).to_be_focused()
    editor(home).fill("3")
    home.keyboard.press("Control+Enter")
    expect(home.locator(".message .text")).to_have_text(["one", "two", "3"])
    expect(
        home.locator(".reply.held").last.get_by_role("link", name="Edit")
    ).to_be_focused()
    home.locator(".reply.held").last.get_by_role("button", name="Delete").click()
    expect(home.locator(".message .text")).to_have_text(["one", "two"])
    home.locator("#stop").click()
    worker.finish(claim, outcome="stopped")
    held = home.locator(".reply.held")
    held.get_by_role("button", name="Send").click()
    worker.finish(worker.claim(), "2")
    expect(home.locator(".reply.done .text")).to_have_text("2")
    expect(box_of(home)).to_have_value("a draft")


def test_one_whose_turn_comes_meanwhile_keeps_its_editor_and_is_told(
    home: Page, worker: Worker, stays
) -> None:
    begin(home, "one")
    claim = worker.claim()
    stays()
    say(home, "two")
    home.locator(".reply.held").get_by_role("link", name="Edit").click()
    expect(editor(home)).to_be_focused()
    home.keyboard.type(" or more")
    worker.finish(claim, "1")
    refusal = home.locator(".editor .refusal")
    expect(refusal).to_contain_text("The reply has started.")
    expect(editor(home)).to_be_focused()
    home.keyboard.type(", late")
    expect(editor(home)).to_have_value("two or more, late")
    worker.finish(worker.claim(), "2")
    home.keyboard.press("Control+Enter")
    expect(refusal).to_contain_text("The reply has started.")
    home.locator(".editor").get_by_role("button", name="Send").click()
    expect(home.locator(".message .text").last).to_have_text("two or more, late")
    expect(home.locator(".message .versions")).to_contain_text("2/2")


def editing_beside_another_tab(home: Page, worker: Worker) -> Page:
    """Edit a message that was answered; return another tab with the same page."""
    answered(home, worker, "one", "First")
    edit(home)
    editor(home).fill("mine")
    twin = home.context.new_page()
    twin.goto(home.url)
    return twin


def test_a_path_that_changes_elsewhere_takes_no_text_away(
    home: Page, worker: Worker
) -> None:
    twin = editing_beside_another_tab(home, worker)
    edit(twin)
    editor(twin).fill("from elsewhere")
    twin.keyboard.press("Control+Enter")
    expect(twin.locator(".message .text")).to_have_text("from elsewhere")
    expect(home.locator(".editor .refusal")).to_contain_text("This message is gone")
    expect(editor(home)).to_have_value("mine")
    home.keyboard.press("Escape")
    expect(home.locator(".message .text")).to_have_text("from elsewhere")


def test_messages_from_elsewhere_come_while_one_edits(
    home: Page, worker: Worker
) -> None:
    twin = editing_beside_another_tab(home, worker)
    say(twin, "two")
    worker.finish(worker.claim(), "Second")
    expect(home.locator(".reply.done .text")).to_have_text(["First", "Second"])
    expect(editor(home)).to_have_value("mine")
    home.keyboard.press("Escape")
    expect(home.locator(".message .text")).to_have_text(["one", "two"])


def test_the_editor_stands_far_up_in_a_long_conversation(
    home: Page, worker: Worker
) -> None:
    shelf = begin_shelf(home, worker)
    long = shelf.put("turn", [f"answer {turn}" for turn in range(20)])
    home.goto(f"/c/{long}/")
    message = home.locator(".message").nth(2)
    message.scroll_into_view_if_needed()
    message.hover()
    top = message.evaluate(TOP)
    message.get_by_role("link", name="Edit").click()
    expect(editor(home)).to_be_focused()
    assert message.evaluate(TOP) == top
    becomes_true(home, f"{VIEW} < 2000")


def test_a_reply_is_edited_in_place_and_followed(home: Page, worker: Worker) -> None:
    answered(home, worker, "one", "First")
    say(home, "two")
    worker.finish(worker.claim(), "Second")
    expect(home.locator(".reply.done")).to_have_count(2)
    home.locator(".reply .menu-button").first.click()
    home.get_by_role("menuitem", name="Edit").click()
    box = home.get_by_label("Edit reply")
    expect(box).to_be_focused()
    expect(home.locator(".reply").first.locator(".text")).to_be_hidden()
    box.fill("Mine")
    home.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(home.locator(".reply .menu-button").first).to_be_focused()
    home.keyboard.press("Enter")
    home.get_by_role("menuitem", name="Edit").click()
    box.fill("Mine")
    home.keyboard.press("Control+Enter")
    expect(home.locator(".reply .text")).to_have_text(["Mine", "Second"])
    expect(home.locator(".reply .edited")).to_have_text("edited")
    expect(home.get_by_role("button", name="Previous version")).to_be_focused()
    home.keyboard.press("Enter")
    expect(home.locator(".reply .text")).to_have_text(["First"])
