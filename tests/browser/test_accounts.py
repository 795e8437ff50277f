"""A guest signs up and is found on a second device, also while a reply is written."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from tests.browser.account_actions import (
    PASSWORD,
    become_account,
    log_in,
    open_first,
    sign_up,
)
from tests.browser.account_states import invitations
from tests.browser.conftest import DESK, Site, Worker
from tests.browser.stage import Stage
from tests.browser.user_actions import begin, box_of, say

PHONE: ViewportSize = {"width": 390, "height": 664}


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
    said = f"Welcome, {name}. Your conversation is now in your account."
    expect(home.get_by_role("status").filter(has_text="Welcome")).to_have_text(said)
    expect(home).not_to_have_url(re.compile("welcome"))
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
    become_account(home, name)
    home.goto("/")
    other = guest().new_page()
    other.goto("/")
    begin(other, "Written elsewhere")
    claim = worker.claim()
    worker.write(claim, "Half ")
    expect(other.locator(".pending .text")).to_have_text("Half")
    log_in(other, name)
    expect(other.get_by_role("heading")).to_have_text(
        "Move 1 conversation to your account?"
    )
    other.get_by_role("button", name="Move").click()
    open_first(other, "Written elsewhere")
    open_first(home, "Written elsewhere")  # it came into the list by itself
    worker.write(claim, "and half")
    for page in (home, other):
        expect(page.locator(".pending .text")).to_have_text("Half and half")
    worker.finish(claim, ".")
    for page in (home, other):
        expect(page.locator(".reply.done .text")).to_have_text("Half and half.")


def test_everything_is_downloaded_and_erased(
    home: Page, worker: Worker, name: str
) -> None:
    begin(home, "Forget me")
    become_account(home, name)
    home.goto("/account/")
    with home.expect_download() as waited:
        home.get_by_role("link", name="Download all my data").click()
    path = waited.value.path()
    assert "Forget me" in path.read_text()
    home.get_by_role("link", name="Delete my account…").click()
    home.get_by_label("Password", exact=True).fill("not the one")
    home.get_by_role("button", name="Delete my account").click()
    expect(home.locator(".errorlist")).to_have_text("Wrong password.")
    home.get_by_label("Password", exact=True).fill(PASSWORD)
    home.get_by_role("button", name="Delete my account").click()
    expect(home.get_by_role("heading")).to_have_text("Everything was deleted")
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
    home.get_by_label("Current password", exact=True).focus()
    home.keyboard.type(PASSWORD)
    home.keyboard.press("Tab")
    home.keyboard.press("Space")
    expect(home.get_by_label("Current password", exact=True)).to_have_value(PASSWORD)
    expect(home.locator("#id_password")).to_have_attribute("type", "text")
    home.keyboard.press("Tab")
    home.keyboard.type("another long one")
    home.keyboard.press("Enter")
    expect(home.get_by_role("status").first).to_contain_text(
        "Your password was changed"
    )


def test_a_password_is_shown_and_sent_as_a_password(home: Page, name: str) -> None:
    home.goto("/account/sign-up/")
    home.get_by_label("Name").fill(name)
    field = home.get_by_label("Password", exact=True)
    field.fill("short")
    button = home.get_by_role("button", name="Show password")
    button.click()
    expect(field).to_have_attribute("type", "text")
    expect(button).to_have_attribute("aria-pressed", "true")
    home.evaluate("""() => document.addEventListener("submit", (event) => {
      event.preventDefault();
      document.title = document.getElementById("id_password").type;
    })""")
    field.press("Enter")
    expect(home).to_have_title("password")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    button.click()
    expect(field).to_have_attribute("type", "password")


def test_a_link_to_pass_on_is_copied(
    fresh_page: Page, worker: Worker, site: Site
) -> None:
    page = fresh_page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    invitations(Stage(page, worker, site))
    link = page.locator("#link")
    button = page.get_by_role("button", name="Copy")
    button.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_attached()
    assert page.evaluate("navigator.clipboard.readText()") == link.input_value()
    expect(button).to_be_visible()
    when = page.locator(".cards .when").first
    when.focus()
    expect(when).to_have_attribute("title", re.compile("20[0-9][0-9]"))


def test_bare_pages_have_one_width(home: Page) -> None:
    """From the log-in to the forgotten password nothing jumps sideways."""
    box = "document.querySelector('.sheet').getBoundingClientRect()"
    for size in (DESK, PHONE):
        home.set_viewport_size(size)
        places = []
        for path in ("account/log-in", "account/forgotten", "nothing", "delete-all"):
            home.goto(f"/{path}/")
            places.append(home.evaluate(f"(({{x, y, width}}) => [x, y, width])({box})"))
        assert places == [places[0]] * 4
        x, _, width = places[0]
        assert abs(2 * x + width - size["width"]) < 1


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
    page.get_by_role("button", name="Move").click()
    page.goto("/account/password/")
    expect(page.locator("[data-shows]").first).to_be_hidden()
    page.goto("/")
    for title in ("Plain", "As a guest again"):
        expect(page.locator(".sidebar .entry", has_text=title)).to_be_attached()


def test_what_a_guest_typed_is_there_once_logged_in(home: Page, name: str) -> None:
    box_of(home).fill("half a thought")
    sign_up(home, name)
    expect(box_of(home)).to_have_value("half a thought")
