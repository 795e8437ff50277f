"""The composer and the space around messages, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Worker
from tests.browser.user_actions import answered, begin, box_of, next_frame, say

DESK = {"viewport": {"width": 1280, "height": 800}}
PHONE = {
    "viewport": {"width": 390, "height": 664},
    "has_touch": True,
    "is_mobile": True,
}
HEIGHT = "it => it.getBoundingClientRect().height"
#: From the end of one element's text to the beginning of the next one, in pixels.
GAP = """([before, after]) => {
  const [above, below] = [before, after].map((it) => document.querySelector(it).getBoundingClientRect());
  return Math.round(below.top - above.bottom);
}"""


def open_page(guest: Callable[..., BrowserContext], device: dict) -> Page:
    page = guest(**device).new_page()
    page.goto("/")
    return page


def send(page: Page, text: str) -> None:
    box_of(page).fill(text)
    page.get_by_role("button", name="Send").click()


@pytest.mark.parametrize(
    ("device", "most", "distances"), [(DESK, 110, (24, 40)), (PHONE, 90, (54, 62))]
)
def test_the_dock_is_low_and_questions_stand_near_their_replies(
    device: dict,
    most: int,
    distances: tuple[int, int],
    guest: Callable[..., BrowserContext],
    worker: Worker,
) -> None:
    """For a finger the row of tools needs more room than the distance on a desk."""
    page = open_page(guest, device)
    send(page, "one")
    worker.finish(worker.claim(), "First")
    expect(page.locator(".reply.done")).to_have_count(1)
    send(page, "two")
    worker.finish(worker.claim(), "Second")
    expect(page.locator(".reply.done")).to_have_count(2)
    dock = page.locator(".composer-area")
    assert dock.evaluate(HEIGHT) <= most
    gaps = ([".message .text", ".reply"], [".reply .text", ".message ~ .message .text"])
    assert [page.evaluate(GAP, pair) for pair in gaps] == [*distances]
    box_of(page).fill("a\nb\nc\nd")
    assert dock.evaluate(HEIGHT) > most
    box_of(page).fill("")
    assert dock.evaluate(HEIGHT) <= most


@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_stop_stands_in_the_place_of_send_while_nothing_is_typed(
    device: dict, guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = open_page(guest, device)
    stop, send_button = (page.get_by_role("button", name=it) for it in ("Stop", "Send"))
    send(page, "one")
    worker.write(worker.claim(), "So far")
    expect(page.locator(".pending .text")).to_have_text("So far")
    expect(stop).to_have_count(1)
    expect(send_button).to_be_hidden()
    place = stop.bounding_box()
    box_of(page).fill("two")
    expect(stop).to_be_visible()
    assert send_button.bounding_box() == place
    send_button.click()
    expect(page.locator(".message .text")).to_have_text(["one", "two"])
    expect(page.locator(".reply.held")).to_have_count(1)
    expect(send_button).to_be_hidden()
    stop.click()
    expect(page.locator(".status-line")).to_contain_text("Stopping")


def test_a_double_click_on_send_does_not_stop_the_reply(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "one", "First")
    box_of(home).fill("two")
    send_button = home.get_by_role("button", name="Send").bounding_box()
    assert send_button
    home.mouse.move(send_button["x"] + 20, send_button["y"] + 20)
    home.mouse.down()
    home.mouse.up()
    expect(home.locator("#stop")).to_be_visible()
    home.mouse.down(click_count=2)
    home.mouse.up(click_count=2)
    claim = worker.claim()
    worker.finish(claim, "Second")
    expect(home.locator(".reply.done .text")).to_have_text(["First", "Second"])


def test_a_reply_in_line_is_cancelled_where_it_waits(
    home: Page, worker: Worker
) -> None:
    worker.announce(free=0)
    begin(home, "one")
    expect(home.locator(".ticket")).to_be_visible()
    expect(home.locator("#stop")).to_be_hidden()
    expect(home.get_by_role("button", name="Send")).to_be_visible()


def test_a_button_leads_to_the_end_from_far_above(home: Page, worker: Worker) -> None:
    answered(home, worker, "one", "line\n\n" * 60)
    button = home.get_by_role("button", name="Jump to the latest")
    expect(button).to_be_hidden()
    home.locator("#content").hover()
    home.mouse.wheel(0, -800)
    expect(button).to_be_visible()
    button.click()
    expect(button).to_be_hidden()
    expect(box_of(home)).to_be_focused()
    next_frame(home)
    assert home.locator("#content").evaluate(
        "it => it.scrollHeight - it.scrollTop - it.clientHeight < 2"
    )
    say(home, "two")
    expect(home.locator(".message .text")).to_have_text(["one", "two"])
