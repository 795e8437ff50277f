"""After a log-out, here or elsewhere, nothing of a person is left to see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, expect

from launch.env.chromium import whole_browser
from tests.browser.account_actions import (
    PASSWORD,
    become_account,
    enter_account,
    log_in,
    log_out_elsewhere,
    open_first,
)
from tests.browser.conftest import ARGUMENTS, Site, Worker, served_beside
from tests.browser.user_actions import begin, box_of, say
from tests.cookie_names import SESSION


def test_logging_out_elsewhere_ends_an_open_page(
    home: Page, guest: Callable[..., BrowserContext], worker: Worker, name: str
) -> None:
    become_account(home, name)
    home.goto("/")
    begin(home, "Private")
    other = guest().new_page()
    enter_account(other, name)
    other.goto(home.url)
    log_out_elsewhere(home)
    expect(other.get_by_text("You’ve been logged out.")).to_be_visible()
    expect(other.get_by_text("Private")).to_have_count(0)
    other.go_back()
    expect(other.get_by_role("heading", name="Conversation not found")).to_be_visible()
    expect(other.get_by_text("Private")).to_have_count(0)
    other.go_forward()
    other.locator(".note").get_by_role("link", name="Log in").click()
    log_in(other, name)
    expect(other.get_by_text("You’ve been logged out")).to_have_count(0)
    open_first(other, "Private")
    home.get_by_role("button", name="Log out").click()
    expect(home.get_by_role("heading", name="What’s on your mind?")).to_be_visible()
    expect(home.get_by_text("Private")).to_have_count(0)


def test_a_page_left_open_is_not_there_for_whoever_logs_in_next(
    home: Page, worker: Worker, name: str
) -> None:
    become_account(home, f"{name}-2")
    home.context.clear_cookies(name=SESSION)
    become_account(home, name)
    home.goto("/")
    begin(home, "Private")
    tab = home.context.new_page()
    tab.goto("/account/")
    home.route("**/poll/**", lambda route: route.abort())
    tab.get_by_role("button", name="Log out").click()
    expect(tab.get_by_role("heading", name="What’s on your mind?")).to_be_visible()
    enter_account(tab, f"{name}-2")
    expect(home.get_by_text("Private").first).to_be_visible()
    home.unroute("**/poll/**")
    expect(home.get_by_role("heading", name="What’s on your mind?")).to_be_visible()
    expect(home.get_by_text("Private")).to_have_count(0)


def test_what_was_typed_is_not_shown_to_whoever_comes_next(
    home: Page, name: str
) -> None:
    become_account(home, name)
    home.goto("/")
    box_of(home).fill("for nobody else")
    home.goto("/settings/")
    home.goto("/")
    expect(box_of(home)).to_have_value("for nobody else")
    home.context.clear_cookies(name=SESSION)  # ended from elsewhere
    home.goto("/")
    expect(box_of(home)).to_have_value("")
    log_in(home, name)
    expect(box_of(home)).to_have_value("for nobody else")
    home.goto("/account/")
    home.get_by_role("button", name="Log out").first.click()
    home.wait_for_url(lambda url: "/account/" not in url)
    expect(box_of(home)).to_have_value("")
    assert "nobody" not in home.evaluate("JSON.stringify(localStorage)")


def test_a_browser_that_lost_the_session_says_that_what_was_typed_is_kept(
    home: Page, name: str
) -> None:
    kept = home.locator("#drafts-kept")
    become_account(home, name)
    home.goto("/")
    box_of(home).fill("half a thought")
    home.context.clear_cookies(name=SESSION)
    home.goto("/?ended")
    expect(kept).to_contain_text("What you typed is safe")
    expect(kept).to_be_visible()
    log_in(home, name)
    home.goto("/account/")
    home.get_by_role("button", name="Log out").first.click()
    home.wait_for_url(lambda url: "/account/" not in url)
    home.goto("/?ended")
    expect(kept).to_be_hidden()


@pytest.fixture
def closed(site: Site) -> Iterator[Site]:
    """The same site where everybody logs in; a browser has one jar for both."""
    with served_beside(site, GUESTS="0") as served:
        yield served


def test_what_was_sent_by_somebody_logged_out_waits_for_them_to_log_in(
    home: Page,
    guest: Callable[..., BrowserContext],
    closed: Site,
    worker: Worker,
    name: str,
) -> None:
    become_account(home, name)
    home.goto("/")
    begin(home, "Private")
    other = guest(base_url=closed.url).new_page()
    enter_account(other, name)
    other.goto(urlsplit(home.url).path)
    other.route("**/poll/**", lambda route: route.abort())
    log_out_elsewhere(home)
    say(other, "Typed before I knew")
    expect(other.get_by_role("heading", name="Log in")).to_be_visible()
    other.get_by_label("Name or email").fill(name)
    other.get_by_label("Password", exact=True).fill(PASSWORD)
    other.get_by_role("button", name="Log in").click()
    expect(box_of(other)).to_have_value("Typed before I knew")


#: What is seen of the conversation at the moment a kept page is shown again.
NOTE_WHAT_BACK_SHOWS = """
addEventListener("pageshow", ({persisted}) => persisted && sessionStorage.setItem(
  "was-visible", document.querySelector(".message .text").checkVisibility()))
"""


@pytest.fixture
def keeping(playwright: Playwright, site: Site, worker: Worker) -> Iterator[Page]:
    """A browser that keeps pages whole for the Back button, as those of people do."""
    browser = playwright.chromium.launch(
        executable_path=whole_browser(),
        args=ARGUMENTS,
        ignore_default_args=["--disable-back-forward-cache"],
    )
    with browser:
        yield browser.new_page(base_url=site.url)


def test_back_shows_nothing_of_it_where_the_browser_keeps_whole_pages(
    home: Page, keeping: Page, name: str
) -> None:
    become_account(home, name)
    home.goto("/")
    begin(home, "Private")
    enter_account(keeping, name)
    keeping.goto("/")
    open_first(keeping, "Private")
    keeping.evaluate(NOTE_WHAT_BACK_SHOWS)
    log_out_elsewhere(home)
    expect(keeping.get_by_text("You’ve been logged out.")).to_be_visible()
    keeping.go_back(wait_until="commit")
    expect(keeping.get_by_text("You’ve been logged out.")).to_be_visible()
    assert keeping.evaluate("sessionStorage.getItem('was-visible')") == "false"
