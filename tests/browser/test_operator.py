"""The operator page in a browser, and what those who wait see of its orders."""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from chatsite import wire
from tests.browser.account_actions import become_account
from tests.browser.conftest import DATABASE, Site, Worker
from tests.browser.stage import others_send
from tests.browser.user_actions import say
from tests.integration.forked_program import forked_worker
from tests.valkey import Valkey

#: What is promised to those who wait, and a second for a busy machine.
SHOWN_SECONDS = 2 + 1
RANGE = re.compile(r"Starts in about (?:[\d.]+–)?([\d.]+) (s|min)")


@pytest.fixture
def operator(guest: Callable[..., BrowserContext]) -> Page:
    """A page of somebody who may operate the site."""
    page = guest().new_page()
    name = f"ops-{secrets.token_hex(4)}"
    become_account(page, name)
    with closing(sqlite3.connect(DATABASE, timeout=10)) as database, database:
        database.execute(
            "UPDATE chat_user SET is_staff = 1, is_superuser = 1 WHERE username = ?",
            [name],
        )
    return page


def longest_wait(page: Page) -> float:
    """The upper end of the wait that the page expects, in seconds."""
    text = page.locator(".ticket").inner_text()
    found = RANGE.search(text)
    assert found, text
    return float(found[1]) * (60 if found[2] == "min" else 1)


def test_a_new_worker_shortens_the_wait_of_those_who_wait(
    home: Page, site: Site, valkey: Valkey, until: Callable[..., None]
) -> None:
    own = {"WORKER_SLOTS": "1"}
    with forked_worker(**own):
        say(home, "a short one [words=30]")
        expect(home.locator(".reply.done")).to_be_visible()
        others_send(site, 8, "a long one [words=400] [delay=1]")
        home.goto("/")
        say(home, "mine")
        expect(home.locator(".ticket")).to_contain_text("Starts in about")
        before = longest_wait(home)
        with forked_worker(**own) as second:
            until(lambda: "ready." in second.log)
            # Half of it, and one place less.
            until(lambda: longest_wait(home) < 0.7 * before, SHOWN_SECONDS)


def test_an_operator_pauses_a_model_and_tells_everyone(
    operator: Page, home: Page, worker: Worker
) -> None:
    worker.announce(takes_orders=True)
    operator.goto("/operator/")
    operator.get_by_role("button", name="Pause").click()
    expect(operator.get_by_text("The model is paused.")).to_be_visible()
    expect(home.locator("#notice")).to_contain_text("is paused")
    operator.get_by_label("Notice", exact=True).fill("Maintenance at ten")
    operator.get_by_role("button", name="Save notice").click()
    for page in (operator, home):
        expect(page.locator("#site-notice")).to_have_text("Maintenance at ten")
    operator.get_by_role("button", name="Resume").click()
    operator.get_by_label("Notice", exact=True).fill("")
    operator.get_by_role("button", name="Save notice").click()
    expect(home.locator("#site-notice")).to_be_empty()
    expect(home.locator("#notice")).not_to_contain_text("is paused")


def test_the_page_follows_a_worker_by_itself(operator: Page, worker: Worker) -> None:
    worker.announce(takes_orders=True)
    operator.goto("/operator/")
    operator.get_by_role("button", name="Drain").focus()
    worker.announce(wire.Stage.DRAINING, free=0, takes_orders=True)
    expect(operator.get_by_role("button", name="End")).to_be_visible()
    worker.announce(takes_orders=True, tokens_per_second=31.0)
    expect(operator.locator(".workers")).to_contain_text("31")


def test_without_a_script_the_page_is_operated_by_forms(
    operator: Page, guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    worker.announce(takes_orders=True)
    plain = guest(java_script_enabled=False)
    plain.add_cookies(operator.context.cookies())
    page = plain.new_page()
    page.goto("/operator/")
    page.get_by_role("button", name="Drain").click()
    expect(page.get_by_text("takes no others")).to_be_visible()
    expect(page.get_by_role("link", name="Load again")).to_be_visible()
