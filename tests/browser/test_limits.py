"""A limit is reached: the text stays in the box, and the page says what is left."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import DATABASE, Site, Worker, served_beside
from tests.browser.user_actions import begin, box_of, say


@pytest.fixture(scope="module")
def limited(site: Site) -> Iterator[Site]:
    """Another web process of the same site, with limits that are soon reached."""
    few = {"GUEST_MESSAGES_PER_DAY": "3", "NETWORK_MESSAGES_PER_DAY": "off"}
    with served_beside(site, **few) as served:
        yield served


@pytest.fixture
def open_page(
    limited: Site, guest: Callable[..., BrowserContext], worker: Worker
) -> Callable[..., Page]:
    def open_one(**options: object) -> Page:
        page = guest(base_url=limited.url, **options).new_page()
        page.goto("/")
        return page

    return open_one


def a_day_passes() -> None:
    with closing(sqlite3.connect(DATABASE, timeout=10)) as database, database:
        database.execute("DELETE FROM chat_allowance")


def test_the_text_stays_and_is_sent_once_more_came_back(
    open_page: Callable[..., Page],
) -> None:
    page = open_page()
    left = page.locator("#little-left")
    begin(page, "one")
    expect(left).to_have_text("")
    say(page, "two")
    expect(page.locator(".message:not(.sending)")).to_have_count(2)
    expect(left).to_have_text("")
    say(page, "three")
    expect(left).to_contain_text("0 of 3 messages left today · next one ")
    say(page, "four, which must not be lost")
    refusal = page.locator("#refusal")
    expect(refusal).to_contain_text("You’ve reached your limit of 3 messages a day.")
    expect(refusal).to_contain_text(
        re.compile("still here: send it again in (8 h|7 h 59 min)")
    )
    expect(box_of(page)).to_have_value("four, which must not be lost")
    expect(page.locator(".message")).to_have_count(3)
    page.reload()
    expect(box_of(page)).to_have_value("four, which must not be lost")
    expect(left).to_contain_text("0 of 3 messages left today")
    a_day_passes()
    box_of(page).press("Enter")
    expect(page.locator(".message:not(.sending)")).to_have_count(4)
    expect(box_of(page)).to_have_value("")
    expect(left).to_have_text("")


def test_the_same_without_javascript(open_page: Callable[..., Page]) -> None:
    page = open_page(java_script_enabled=False)
    for text in ("one", "two", "three", "four, which must not be lost"):
        box_of(page).fill(text)
        page.get_by_role("button", name="Send").click()
    expect(page.locator("#refusal")).to_contain_text("You’ve reached your limit")
    expect(box_of(page)).to_have_value("four, which must not be lost")
    expect(page.locator("#little-left")).to_contain_text("0 of 3 messages left today")
    page.get_by_role("link", name="Settings", exact=True).click()
    all_left = page.get_by_role("region", name="Usage limits")
    expect(all_left).to_contain_text("0 of 3 messages left today")
    expect(all_left.locator("meter")).not_to_have_count(0)
