"""A guest signs up and is found on a second device, also while a reply is written."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, expect

from launch.env.chromium import whole_browser
from tests.browser.conftest import ARGUMENTS, Site, Worker, served_beside
from tests.browser.page_states import PASSWORD, fill_sign_up
from tests.browser.user_actions import begin, box_of, say
from tests.cookie_names import SESSION


@pytest.fixture
def name() -> str:
    """One that nobody had in an earlier test."""
    return f"bee-{secrets.token_hex(4)}"


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.goto("/account/log-in/")
    page.get_by_label("Name or e-mail").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def sign_up(page: Page, name: str) -> None:
    page.get_by_role("link", name="Sign up").click()
    fill_sign_up(page, name)
    expect(page.get_by_role("link", name=name)).to_be_attached()


def open_first(page: Page, title: str) -> None:
    page.locator(".sidebar .entry", has_text=title).click()
    expect(page.locator(".message .text").first).to_have_text(title)


def test_the_same_conversations_on_a_second_device_also_while_a_reply_runs(
    home: Page, guest: Callable[..., BrowserContext], worker: Worker, name: str
) -> None:
    begin(home, "Tell me about bees")
    worker.finish(worker.claim(), "They dance.")
    expect(home.locator(".reply.done .text")).to_have_text("They dance.")
    say(home, "Go on")
    claim = worker.claim()
    worker.write(claim, "And ")
    expect(home.locator(".pending .text")).to_have_text("And")
    talk = home.url
    sign_up(home, name)
    open_first(home, "Tell me about bees")
    assert home.url == talk
    expect(home.locator(".pending .text")).to_have_text("And")
    phone = guest(viewport={"width": 390, "height": 780}, has_touch=True).new_page()
    log_in(phone, name)
    phone.wait_for_url(lambda url: not url.endswith("/log-in/"))
    phone.get_by_role("button", name="Conversations").click()
    open_first(phone, "Tell me about bees")
    assert phone.url == talk
    for said in ("they ", "make ", "honey."):
        worker.write(claim, said)
        for page in (home, phone):
            expect(page.locator(".pending .text")).to_contain_text(said.strip())
    worker.finish(claim, " Always.")
    for page in (home, phone):
        text = page.locator(".reply.done .text").last
        expect(text).to_have_text("And they make honey. Always.")
    say(home, "Thanks")
    expect(phone.locator(".message .text").last).to_have_text("Thanks")


def test_a_page_left_open_in_another_tab_goes_on_after_the_sign_up(
    home: Page, worker: Worker, name: str
) -> None:
    begin(home, "Tell me")
    claim = worker.claim()
    worker.write(claim, "Once")
    expect(home.locator(".pending .text")).to_have_text("Once")
    tab = home.context.new_page()
    tab.goto("/")
    sign_up(tab, name)
    worker.write(claim, " upon")
    expect(home.locator(".pending .text")).to_have_text("Once upon")
    worker.finish(claim, " a time")
    expect(home.locator(".reply.done .text")).to_have_text("Once upon a time")
    say(home, "Go on")
    expect(home.locator(".message .text").last).to_have_text("Go on")
    worker.finish(worker.claim(), "Gladly.")
    expect(home.locator(".reply.done .text").last).to_have_text("Gladly.")


def test_what_a_second_browsers_guest_wrote_comes_along_while_it_is_written(
    home: Page, guest: Callable[..., BrowserContext], worker: Worker, name: str
) -> None:
    home.goto("/")
    sign_up(home, name)
    other = guest().new_page()
    other.goto("/")
    begin(other, "Written elsewhere")
    claim = worker.claim()
    worker.write(claim, "Half ")
    expect(other.locator(".pending .text")).to_have_text("Half")
    log_in(other, name)
    expect(other.get_by_role("heading")).to_have_text("Take 1 conversation along?")
    other.get_by_role("button", name="Take it along").click()
    open_first(other, "Written elsewhere")
    open_first(home, "Written elsewhere")  # it came into the list by itself
    worker.write(claim, "and half")
    for page in (home, other):
        expect(page.locator(".pending .text")).to_have_text("Half and half")
    worker.finish(claim, ".")
    for page in (home, other):
        expect(page.locator(".reply.done .text")).to_have_text("Half and half.")


def test_logging_out_elsewhere_ends_an_open_page(
    home: Page, guest: Callable[..., BrowserContext], worker: Worker, name: str
) -> None:
    sign_up(home, name)
    begin(home, "Private")
    other = guest().new_page()
    log_in(other, name)
    open_first(other, "Private")
    home.goto("/account/")
    home.get_by_role("button", name="Log out everywhere else").click()
    expect(home.get_by_text("All other browsers were logged out.")).to_be_visible()
    expect(other.get_by_text("You were logged out in this browser.")).to_be_visible()
    expect(other.get_by_text("Private")).to_have_count(0)
    other.go_back()
    expect(other.get_by_role("heading", name="Nothing is here.")).to_be_visible()
    expect(other.get_by_text("Private")).to_have_count(0)
    other.go_forward()
    other.locator(".note").get_by_role("link", name="Log in").click()
    log_in(other, name)
    expect(other.get_by_text("You were logged out")).to_have_count(0)
    open_first(other, "Private")
    home.get_by_role("button", name="Log out").click()
    expect(home.get_by_role("heading", name="Ask, and carry on")).to_be_visible()
    expect(home.get_by_text("Private")).to_have_count(0)


def test_everything_is_downloaded_and_erased(
    home: Page, worker: Worker, name: str
) -> None:
    begin(home, "Forget me")
    sign_up(home, name)
    home.get_by_role("link", name=name).click()
    with home.expect_download() as waited:
        home.get_by_role("link", name="Download all my data").click()
    path = waited.value.path()
    assert "Forget me" in path.read_text()
    home.get_by_role("link", name="Delete my account…").click()
    home.get_by_label("Password").fill("not the one")
    home.get_by_role("button", name="Delete my account").click()
    expect(home.locator(".errorlist")).to_have_text("This is not your password.")
    home.get_by_label("Password").fill(PASSWORD)
    home.get_by_role("button", name="Delete my account").click()
    expect(home.get_by_role("heading")).to_have_text("It is erased.")
    log_in(home, name)
    expect(home.locator(".note.fail")).to_be_visible()


def test_by_keyboard_alone(home: Page, name: str) -> None:
    home.goto("/account/sign-up/")
    home.get_by_label("Name").focus()
    home.keyboard.type(name)
    home.keyboard.press("Tab")
    home.keyboard.type(PASSWORD)
    home.keyboard.press("Enter")
    expect(home.get_by_role("link", name=name)).to_be_attached()
    home.goto("/account/password/")
    home.get_by_label("Your password now").focus()
    home.keyboard.type(PASSWORD)
    home.keyboard.press("Tab")
    home.keyboard.type("another long one")
    home.keyboard.press("Enter")
    expect(home.get_by_role("status").first).to_contain_text("Your new password holds")


def test_without_a_script(
    guest: Callable[..., BrowserContext], worker: Worker, name: str
) -> None:
    page = guest(java_script_enabled=False).new_page()
    page.goto("/")
    box_of(page).fill("Plain")
    page.get_by_role("button", name="Send").click()
    sign_up(page, name)
    worker.finish(worker.claim(), "As ever.")
    open_first(page, "Plain")
    page.goto(page.url.partition("#")[0])
    expect(page.locator(".reply.done .text")).to_have_text("As ever.")
    page.goto("/account/")
    page.get_by_role("button", name="Log out").click()
    box_of(page).fill("As a guest again")
    page.get_by_role("button", name="Send").click()
    log_in(page, name)
    page.get_by_role("button", name="Take it along").click()
    for title in ("Plain", "As a guest again"):
        expect(page.locator(".sidebar .entry", has_text=title)).to_be_attached()


def test_a_page_left_open_is_not_there_for_whoever_logs_in_next(
    home: Page, worker: Worker, name: str
) -> None:
    sign_up(home, f"{name}-2")
    home.goto("/account/")
    home.get_by_role("button", name="Log out").click()
    sign_up(home, name)
    begin(home, "Private")
    tab = home.context.new_page()
    tab.goto("/account/")
    home.route("**/poll/**", lambda route: route.abort())
    tab.get_by_role("button", name="Log out").click()
    expect(tab.get_by_role("heading", name="Ask, and carry on")).to_be_visible()
    log_in(tab, f"{name}-2")
    expect(tab.get_by_role("link", name=f"{name}-2")).to_be_attached()
    expect(home.get_by_text("Private").first).to_be_visible()
    home.unroute("**/poll/**")
    expect(home.get_by_role("heading", name="Ask, and carry on")).to_be_visible()
    expect(home.get_by_text("Private")).to_have_count(0)


def test_what_was_typed_is_not_shown_to_whoever_comes_next(
    home: Page, name: str
) -> None:
    sign_up(home, name)
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
    sign_up(home, name)
    home.goto("/")
    box_of(home).fill("half a thought")
    home.context.clear_cookies(name=SESSION)
    home.goto("/?ended")
    expect(kept).to_contain_text("What you had typed is kept")
    expect(kept).to_be_visible()
    log_in(home, name)
    home.goto("/account/")
    home.get_by_role("button", name="Log out").first.click()
    home.wait_for_url(lambda url: "/account/" not in url)
    home.goto("/?ended")
    expect(kept).to_be_hidden()


def test_what_a_guest_typed_is_there_once_logged_in(home: Page, name: str) -> None:
    box_of(home).fill("half a thought")
    sign_up(home, name)
    expect(box_of(home)).to_have_value("half a thought")


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
    sign_up(home, name)
    begin(home, "Private")
    other = guest(base_url=closed.url).new_page()
    log_in(other, name)
    open_first(other, "Private")
    other.route("**/poll/**", lambda route: route.abort())
    home.goto("/account/")
    home.get_by_role("button", name="Log out everywhere else").click()
    expect(home.get_by_text("All other browsers were logged out.")).to_be_visible()
    say(other, "Typed before I knew")
    expect(other.get_by_role("heading", name="Log in")).to_be_visible()
    other.get_by_label("Name or e-mail").fill(name)
    other.get_by_label("Password").fill(PASSWORD)
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
    sign_up(home, name)
    begin(home, "Private")
    log_in(keeping, name)
    open_first(keeping, "Private")
    keeping.evaluate(NOTE_WHAT_BACK_SHOWS)
    home.goto("/account/")
    home.get_by_role("button", name="Log out everywhere else").click()
    expect(keeping.get_by_text("You were logged out in this browser.")).to_be_visible()
    keeping.go_back(wait_until="commit")
    expect(keeping.get_by_text("You were logged out in this browser.")).to_be_visible()
    assert keeping.evaluate("sessionStorage.getItem('was-visible')") == "false"
