"""What people do with an account: by its pages, or at once where another thing is tested."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.dom import dom

PASSWORD = "correct horse battery"
TOKEN = "csrfmiddlewaretoken"


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.goto("/account/log-in/")
    page.get_by_label("Name or email").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()


def fill_sign_up(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign up").click()


def sign_up(page: Page, name: str) -> None:
    page.get_by_role("link", name="Sign up").click()
    fill_sign_up(page, name)
    expect(page.get_by_role("link", name=name)).to_be_attached()


def become_account(page: Page, name: str) -> None:
    """Sign up in the browser of this page, which shows nothing of it yet."""
    _send_form(page, "/account/sign-up/", name=name, password=PASSWORD)


def enter_account(page: Page, name: str) -> None:
    """Log in in the browser of this page, which shows nothing of it yet."""
    _send_form(page, "/account/log-in/", name=name, password=PASSWORD)


def _send_form(page: Page, path: str, **fields: str) -> None:
    # A page that polls meanwhile would ask with the cookies from before.
    page.goto("about:blank")
    form = dom(page.request.get(path).text())
    token = form.first(f"[name={TOKEN}]")["value"]
    answer = page.request.post(path, form={TOKEN: token, **fields})
    assert answer.ok
    assert not answer.url.endswith(path), "the form was shown again"


def log_out_elsewhere(page: Page) -> None:
    page.goto("/account/")
    page.get_by_role("button", name="Log out all other devices").click()
    expect(page.get_by_text("All other devices were logged out.")).to_be_visible()


def open_first(page: Page, title: str) -> None:
    page.locator(".sidebar .entry", has_text=title).click()
    expect(page.locator(".message .text").first).to_have_text(title)
