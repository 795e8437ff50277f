"""Two sites on one host, in one browser: neither loses what the other keeps."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from chatsite.cookie_names import suffix_of
from tests.browser.conftest import DATABASE, Site, Worker, served_beside
from tests.browser.user_actions import begin, box_of
from tests.environment import FOLDER, SOCKET

KEY = "the key of the other site, which is long enough"
#: What other applications keep under the names that Django gives by default.
FOREIGN = {
    "sessionid": "k" * 32,
    "csrftoken": "x" * 64,
    "guest": "0c0ffee0-0000-4000-8000-000000000000:1abcde:signature",
    "theme": "dark",
    "tz": "120",
    "django_language": "de",
}


@pytest.fixture
def other(site: Site) -> Iterator[Site]:
    """Another site on another port: with a key, a database and a queue of its own."""
    copy = FOLDER / "other.sqlite3"
    with (
        closing(sqlite3.connect(DATABASE)) as here,
        closing(sqlite3.connect(copy)) as it,
    ):
        here.backup(it)
    with served_beside(
        site,
        SECRET_KEY=KEY,
        DATABASE_URL=f"sqlite:///{copy}",
        REDIS_URL=f"unix://{SOCKET}?db=1",
    ) as served:
        yield served


def open_conversation(page: Page, title: str) -> None:
    page.locator(".sidebar .entry", has_text=title).click()
    expect(page.locator(".message .text").first).to_have_text(title)


def test_a_guest_talks_on_two_sites_in_turn_and_loses_nothing(
    guest: Callable[..., BrowserContext], site: Site, other: Site, worker: Worker
) -> None:
    context = guest()
    context.add_cookies(
        [{"name": n, "value": v, "url": site.url} for n, v in FOREIGN.items()]
    )
    sites = {"here": site.url, "there": other.url}
    pages = {name: context.new_page() for name in sites}
    for turn in ("first", "second"):
        for name, page in pages.items():
            page.goto(sites[name])
            begin(page, f"{turn} {name}")
    for name, page in pages.items():
        page.goto(sites[name])
        mine = page.locator(".sidebar .entry")
        for turn in ("first", "second"):
            expect(mine.filter(has_text=f"{turn} {name}")).to_be_attached()
        expect(page.get_by_text("logged out")).to_have_count(0)
        open_conversation(page, f"first {name}")
        box_of(page).fill(f"typed {name}")
    for name, page in pages.items():
        page.reload()
        expect(box_of(page)).to_have_value(f"typed {name}")
    kept = {one["name"]: one["value"] for one in context.cookies(site.url)}
    assert {name: kept[name] for name in FOREIGN} == FOREIGN
    assert f"guest_{suffix_of(KEY)}" in kept


def test_what_two_sites_under_one_origin_store_does_not_mix(
    home: Page, other: Site, worker: Worker
) -> None:
    """As under two paths of one proxy: the same page of the other site is shown here."""
    box_of(home).fill("typed here")
    home.route(
        re.compile(r"/$"),
        lambda route: route.fulfill(
            response=home.request.get(other.url, headers={"Cookie": ""})
        ),
    )
    home.reload()
    expect(home.locator("body")).to_have_attribute("data-site", suffix_of(KEY))
    expect(box_of(home)).to_have_value("")
    box_of(home).fill("typed there")
    home.unroute(re.compile(r"/$"))
    home.reload()
    expect(box_of(home)).to_have_value("typed here")
    names = home.evaluate("Object.keys(localStorage)")
    assert {name.partition(":")[0] for name in names} >= {suffix_of(KEY)}


def test_what_was_typed_before_the_site_had_a_name_is_there(home: Page) -> None:
    home.evaluate("localStorage.setItem('draft:/', 'typed long ago')")
    home.reload()
    expect(box_of(home)).to_have_value("typed long ago")
    assert home.evaluate("localStorage.getItem('draft:/')") is None
