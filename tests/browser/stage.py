"""A page with a server and a worker behind it, and the steps that lead to a state."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from urllib.request import Request, urlopen

from playwright.sync_api import Locator, Page, Route, expect

from chatsite.mailbox import Claim
from tests.browser.conftest import DATABASE, Site, Worker

CONVERSATION = re.compile(r"/c/[0-9a-f-]{36}/")


@dataclass(frozen=True, slots=True)
class Stage:
    """A browser that knows nothing yet, and who is behind the page."""

    page: Page
    worker: Worker
    site: Site


def say(page: Page, text: str) -> None:
    """By the button: on a phone the Enter key makes a new line."""
    page.get_by_label("Your message").fill(text)
    page.get_by_role("button", name="Send").click()


def open_menu(page: Page) -> None:
    """The menu of the last reply."""
    last(page, ".reply .menu-button").click()


def last(page: Page, kind: str) -> Locator:
    return page.locator(kind).last


def begin(stage: Stage, text: str) -> None:
    stage.page.goto("/")
    say(stage.page, text)
    stage.page.wait_for_url(CONVERSATION)


def grow(stage: Stage, text: str) -> Claim:
    claim = stage.worker.claim()
    stage.worker.write(claim, text)
    expect(last(stage.page, ".pending:not(.held) .text")).to_have_text(text)
    return claim


def others_send(site: Site, count: int, text: str = "Somebody else's") -> None:
    """Each is a guest of their own."""
    for number in range(count):
        body = json.dumps({"text": f"{text} {number}"}).encode()
        headers = {"Content-Type": "application/json"}
        urlopen(Request(f"{site.url}/api/v1/messages", body, headers)).close()


def without_our_script(page: Page) -> None:
    """Forms are then sent by the browser, and what answers is a page."""

    def refuse(route: Route) -> None:
        route.abort()

    page.route("**/*.js", refuse)


@contextmanager
def no_database() -> Iterator[None]:
    """A table less, which to Django is a database that does not answer."""

    def rename(before: str, after: str) -> None:
        with closing(sqlite3.connect(DATABASE, timeout=10)) as database, database:
            database.execute(f"ALTER TABLE {before} RENAME TO {after}")

    rename("chat_message", "chat_away")
    try:
        yield
    finally:
        rename("chat_away", "chat_message")
