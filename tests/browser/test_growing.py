"""A reply is rendered while it grows, and its end moves nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from chatsite.mailbox import Claim
from tests.browser.conftest import Worker
from tests.browser.stage import CONVERSATION, say
from tests.browser.user_actions import growing, next_frame
from tests.everyday_replies import REPLIES

SIZES = {"desk": (1280, 800), "phone": (390, 664)}
TABLE = "| Model | Tokens |\n|---|--:|\n| GPT-2 | 1024 |\n"
CODE = "```python\ndef f(x):\n    return x\n"
#: Marks the elements that the text has now; they must be the same ones at the end.
MARK = """() => {
  for (const part of document.querySelectorAll(".reply .text *")) part.isMarked = true;
}"""
UNMARKED = """() => [...document.querySelectorAll(".reply .text *")]
  .filter((part) => !part.isMarked).map((part) => part.outerHTML)"""
#: The text as it is shown, without the mark behind its last word.
SHOWN = """() => {
  const text = document.querySelector(".reply .text").cloneNode(true);
  for (const cursor of text.querySelectorAll(".cursor")) cursor.remove();
  return text.innerHTML.replace(/\\s*(<[^>]*>)\\s*/g, "$1");
}"""
#: Scrolls to the middle, and says how high the first line in view is.
READ = """() => {
  const view = document.getElementById("content");
  view.scrollTop = view.scrollHeight / 3;
}"""
PLACE = """() => [...document.querySelectorAll(".reply .text > *")]
  .map((part) => part.getBoundingClientRect().top)"""


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest, guest: Callable[..., BrowserContext]) -> Page:
    width, height = SIZES[request.param]
    page = guest(viewport={"width": width, "height": height}).new_page()
    page.goto("/")
    return page


@pytest.fixture
def claim(page: Page, worker: Worker) -> Claim:
    say(page, "one")
    page.wait_for_url(CONVERSATION)
    return worker.claim()


def test_tables_and_code_are_drawn_row_by_row(
    page: Page, worker: Worker, claim: Claim
) -> None:
    worker.write(claim, TABLE)
    text = growing(page)
    expect(text.locator("tbody tr")).to_have_count(1)
    worker.write(claim, "| SmolLM2 | **8192** |\n| a")
    expect(text.locator("tbody tr")).to_have_count(3)
    expect(text.locator("table")).to_have_count(1)
    expect(text.locator("td strong")).to_have_text("8192")
    worker.write(claim, " | 1 |\n\n" + CODE)
    expect(text.locator("figure code")).to_contain_text("return x")
    expect(text.locator(".hl-k").first).to_have_text("def")
    text.locator("figure .copy").click()
    worker.write(claim, "```\n\nThe end.")
    expect(text.locator("> p")).to_have_text("The end.")
    worker.finish(claim)
    expect(page.locator(".reply.done figure")).to_have_count(1)


def test_the_end_changes_and_moves_nothing(
    page: Page, worker: Worker, claim: Claim
) -> None:
    whole = "\n\n".join([REPLIES[0], REPLIES[1].partition("[docs]")[0], TABLE, "Fin"])
    for begin in range(0, len(whole), 300):
        worker.write(claim, whole[begin : begin + 300])
        page.evaluate(MARK)
    expect(growing(page)).to_contain_text("Fin")
    before = page.evaluate(SHOWN)
    page.evaluate(MARK)
    page.evaluate(READ)
    next_frame(page)
    places = page.evaluate(PLACE)
    worker.finish(claim)
    expect(page.locator(".reply.done")).to_be_attached()
    next_frame(page)
    assert page.evaluate(SHOWN) == before
    assert page.evaluate(UNMARKED) == []
    assert page.evaluate(PLACE) == places


def test_what_only_the_end_can_know_is_shown_at_the_end(
    page: Page, worker: Worker, claim: Claim
) -> None:
    worker.write(claim, "Read [this][1] and that.\n\nMore of it.\n\n")
    text = growing(page)
    expect(text.locator("p").first).to_have_text("Read [this][1] and that.")
    page.evaluate("document.querySelector('.text p + p').isMarked = true")
    worker.finish(claim, "[1]: https://a.example/b")
    expect(page.locator(".reply.done a").first).to_have_text("this")
    assert page.evaluate("document.querySelector('.text p + p').isMarked")


def test_a_reply_that_another_worker_begins_anew_forgets_the_first_text(
    page: Page, worker: Worker, claim: Claim
) -> None:
    worker.write(claim, "# One\n\n- a\n- b\n")
    expect(growing(page).locator("li")).to_have_count(2)
    worker.hand_back(claim)
    second = worker.claim()
    worker.write(second, "Another")
    expect(growing(page)).to_have_text("Another")
    worker.finish(second, " text")
    expect(page.locator(".reply.done .text")).to_have_text("Another text")


def test_a_continued_reply_grows_from_where_it_ended(
    page: Page, worker: Worker, claim: Claim
) -> None:
    worker.finish(claim, "- one **t", is_length_limited=True)
    page.get_by_role("button", name="Continue").click()
    again = worker.claim()
    expect(growing(page).locator("li")).to_have_text("one t")
    worker.write(again, "wo**\n- three\n")
    expect(growing(page).locator("li")).to_have_text(["one two", "three"])
    page.reload()
    expect(growing(page).locator("li")).to_have_text(["one two", "three"])
    worker.hand_back(again)
    third = worker.claim()
    worker.write(third, "hree**\n\nEnd")
    expect(growing(page).locator("strong")).to_have_text("three")
    expect(growing(page).locator("li")).to_have_count(1)
    worker.finish(third, ".")
    expect(page.locator(".reply.done .text").last).to_contain_text("one three")


def test_who_wants_no_motion_sees_all_words_at_once(
    guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = guest(reduced_motion="reduce").new_page()
    page.goto("/")
    say(page, "one")
    page.wait_for_url(CONVERSATION)
    claim = worker.claim()
    for _ in range(3):
        worker.write(claim, "word " * 40)
        assert page.evaluate("CSS.highlights.get('arriving').size") == 0
    worker.finish(claim)
    expect(page.locator(".reply.done")).to_be_attached()


def test_two_tabs_grow_alike(page: Page, worker: Worker, claim: Claim) -> None:
    worker.write(claim, TABLE + "| a | 1 |\n")
    expect(growing(page).locator("tbody tr")).to_have_count(2)
    other = page.context.new_page()
    other.goto(page.url)
    worker.write(claim, "| b | 2 |\n\nThe end.")
    for tab in (page, other):
        expect(growing(tab).locator("tbody tr")).to_have_count(3)
        expect(growing(tab).locator("> p")).to_have_text("The end.")
    worker.finish(claim)
    assert page.evaluate(SHOWN) == other.evaluate(SHOWN)
