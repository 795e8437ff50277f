"""What is typed while a message is on its way: nothing of it is lost, nor mixed up."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Worker
from tests.browser.user_actions import CONVERSATION, answered, begin, box_of, say


def hold(page: Page) -> list[Route]:
    """The messages that are on their way until the test lets them go."""
    held: list[Route] = []
    page.route("**/send/", lambda route: held.append(route))  # noqa: PLW0108
    return held


def one_on_its_way(home: Page) -> list[Route]:
    """A conversation whose second message, "one", has just been sent."""
    begin(home, "zero")
    held = hold(home)
    box_of(home).press_sequentially("one")
    home.keyboard.press("Enter")
    return held


def expect_held(page: Page, held: list[Route], count: int) -> None:
    for _ in range(50):
        if len(held) >= count:
            break
        page.wait_for_timeout(50)
    assert len(held) == count


def test_messages_typed_one_right_after_the_other_are_sent_in_order(
    home: Page, worker: Worker
) -> None:
    held = one_on_its_way(home)
    home.keyboard.press("Enter")
    home.keyboard.type("two")
    home.keyboard.press("Enter")
    home.keyboard.type("thr")
    prompts = home.locator(".message .text")
    expect(prompts).to_have_text(["zero", "one", "two"])
    expect(home.locator(".message.sending")).to_have_count(2)
    expect_held(home, held, 1)
    held[0].continue_()
    expect_held(home, held, 2)
    home.keyboard.type("ee")
    held[1].continue_()
    expect(home.locator(".message.sending")).to_have_count(0)
    expect(prompts).to_have_text(["zero", "one", "two"])
    expect(box_of(home)).to_have_value("three")
    home.unroute("**/send/")
    home.reload()
    expect(prompts).to_have_text(["zero", "one", "two"])
    expect(box_of(home)).to_have_value("three")


def test_what_is_typed_while_a_conversation_begins_is_in_its_box(
    home: Page, worker: Worker
) -> None:
    held = hold(home)
    box_of(home).press_sequentially("one")
    home.keyboard.press("Enter")
    home.keyboard.type("quick follow up")
    expect(home.locator(".message.sending .text")).to_have_text("one")
    expect_held(home, held, 1)
    held[0].continue_()
    home.wait_for_url(CONVERSATION)
    expect(home.locator(".message .text")).to_have_text(["one"])
    expect(box_of(home)).to_have_value("quick follow up")
    home.goto("/")
    expect(box_of(home)).to_have_value("")


def test_what_could_not_be_sent_is_put_back_before_what_was_typed_since(
    home: Page, worker: Worker
) -> None:
    held = one_on_its_way(home)
    home.keyboard.type("two")
    home.keyboard.press("Enter")
    home.keyboard.type("three")
    expect_held(home, held, 1)
    held[0].abort()
    expect(box_of(home)).to_have_value("one\ntwo\nthree")
    expect(home.locator(".message.sending")).to_have_count(0)
    expect(home.locator("#refusal")).not_to_be_empty()
    home.unroute("**/send/")
    home.reload()
    expect(box_of(home)).to_have_value("one\ntwo\nthree")


def test_closing_the_page_while_a_message_is_on_its_way_keeps_it(
    home: Page, worker: Worker
) -> None:
    held = one_on_its_way(home)
    home.keyboard.type("two")
    expect_held(home, held, 1)
    home.reload()
    expect(box_of(home)).to_have_value("one\ntwo")


def test_the_same_words_after_the_back_button_are_another_message(
    home: Page, worker: Worker
) -> None:
    begin(home, "zero")
    worker.finish(worker.claim(), "null")
    say(home, "go on")
    worker.finish(worker.claim(), "eins")
    expect(home.locator(".reply.done")).to_have_count(2)
    home.get_by_role("link", name="Settings", exact=True).click()
    expect(home.get_by_role("heading", name="Settings")).to_be_visible()
    home.go_back()
    expect(box_of(home)).to_be_visible()
    say(home, "go on")
    expect(home.locator(".message:not(.sending) .text")).to_have_text(
        ["zero", "go on", "go on"]
    )


def test_a_changed_earlier_message_outlives_a_reload_and_not_its_cancelling(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "zero", "null")
    home.goto(home.locator(".message .change").get_attribute("href") or "")
    box_of(home).fill("zero, and more")
    home.reload()
    expect(box_of(home)).to_have_value("zero, and more")
    box_of(home).press("Escape")
    home.wait_for_url(CONVERSATION)
    expect(box_of(home)).to_have_value("")


def test_an_action_that_fails_says_so_and_the_text_flows_on(
    home: Page, worker: Worker
) -> None:
    begin(home, "zero")
    claim = worker.claim()
    worker.write(claim, "It begins")
    expect(home.locator(".text.live")).to_have_text("It begins")
    home.route("**/stop/", lambda route: route.fulfill(status=503))
    home.locator("#stop").click()
    expect(home.locator("#refusal")).to_contain_text("The server is busy")
    worker.finish(claim, "It begins and ends")
    expect(home.locator(".reply.done")).to_contain_text("ends", timeout=6000)
