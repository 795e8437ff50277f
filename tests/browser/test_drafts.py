"""Each tab keeps what was typed in it, whatever happens in the others."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Worker
from tests.browser.user_actions import (
    CONVERSATION,
    answered,
    becomes_true,
    begin,
    box_of,
    say,
)

TAB = "sessionStorage.getItem('tab')"
DRAFTS = "Object.keys(localStorage).filter(key => key.includes('draft:')).length"


def tab_beside(page: Page) -> Page:
    other = page.context.new_page()
    other.goto(page.url)
    return other


@pytest.mark.parametrize("said", ["from the other tab", "from the first tab"])
def test_a_draft_outlives_what_a_tab_sends_that_was_typed_in_later(
    home: Page, worker: Worker, said: str
) -> None:
    other = tab_beside(home)
    box_of(home).fill("from the first tab")
    say(other, said)
    other.wait_for_url(CONVERSATION)
    home.reload()
    expect(box_of(home)).to_have_value("from the first tab")


def test_a_draft_outlives_what_a_tab_sends_that_was_typed_in_earlier(
    home: Page, worker: Worker
) -> None:
    other = tab_beside(home)
    box_of(other).fill("from the other tab")
    box_of(home).fill("still being written")
    box_of(other).press("Enter")
    other.wait_for_url(CONVERSATION)
    home.reload()
    expect(box_of(home)).to_have_value("still being written")


def test_two_tabs_of_one_conversation_keep_a_draft_each(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "zero", "null")
    other = tab_beside(home)
    box_of(home).fill("mine")
    box_of(other).fill("its own")
    home.reload()
    other.reload()
    expect(box_of(home)).to_have_value("mine")
    expect(box_of(other)).to_have_value("its own")
    box_of(other).fill("")
    home.reload()
    expect(box_of(home)).to_have_value("mine")


def test_a_new_tab_takes_the_draft_of_a_closed_tab_and_of_no_open_one(
    home: Page, worker: Worker
) -> None:
    closed = tab_beside(home)
    box_of(closed).fill("of a closed tab")
    box_of(home).fill("of an open tab, and newer")
    # Its page has gone when the next one asks which tabs are open.
    closed.goto("about:blank")
    closed.close()
    fresh = tab_beside(home)
    expect(box_of(fresh)).to_have_value("of a closed tab")
    home.reload()
    expect(box_of(home)).to_have_value("of an open tab, and newer")
    fresh.reload()
    expect(box_of(fresh)).to_have_value("of a closed tab")


def test_a_duplicated_tab_keeps_a_draft_of_its_own(home: Page, worker: Worker) -> None:
    box_of(home).fill("in both")
    # Like a duplicated tab, this one begins with a copy of the session storage.
    with home.expect_popup() as opened:
        home.evaluate("open('/')")
    copy = opened.value
    expect(box_of(copy)).to_have_value("in both")
    becomes_true(copy, f"id => {TAB} !== id", home.evaluate(TAB))
    say(copy, "of the copy")
    copy.wait_for_url(CONVERSATION)
    home.reload()
    expect(box_of(home)).to_have_value("in both")


def test_old_drafts_and_those_beyond_a_number_are_removed(
    home: Page, worker: Worker
) -> None:
    box_of(home).fill("the newest")
    home.evaluate(
        """() => {
            const site = document.body.dataset.site;
            const put = (tab, at) => localStorage.setItem(
                `${site}:draft:/c/#${tab}`, JSON.stringify({ at, text: tab }));
            for (let n = 0; n < 150; n++) put(`new${n}`, Date.now() - 1000);
            put("old", Date.now() - 91 * 86400 * 1000);
        }"""
    )
    home.reload()
    expect(box_of(home)).to_have_value("the newest")
    assert home.evaluate(DRAFTS) == 100


def test_erasing_everything_erases_the_drafts_of_a_guest(
    home: Page, worker: Worker
) -> None:
    begin(home, "zero")
    box_of(home).fill("half a thought")
    home.evaluate("localStorage.setItem('draft:/', 'typed long ago')")
    home.goto("/account/erase/")
    home.get_by_role("button", name="Delete all my data").click()
    expect(home.get_by_role("heading")).to_have_text("Everything was deleted")
    becomes_true(home, f"{DRAFTS} === 0")
