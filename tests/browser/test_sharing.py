"""A conversation is shared by its menu, read by anyone, and continued as a copy."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Worker
from tests.browser.sharing_actions import conversation_of, share
from tests.browser.user_actions import CONVERSATION, answered, say

ANSWER = "**Bees** make honey.\n\n```python\nhoney = True\n```\n\n$$x^2$$"


def make_link(home: Page) -> str:
    """From the menu of the conversation, with the keyboard."""
    home.get_by_role("button", name="Conversation options").press("Enter")
    home.locator("#head-menu").get_by_role("menuitem", name="Share").press("Enter")
    home.get_by_role("button", name="Make link").press("Enter")
    expect(home.get_by_text("The link is ready.")).to_be_visible()
    return home.get_by_label("Link", exact=True).input_value()


def test_a_link_is_made_copied_read_without_a_script_and_continued(
    home: Page, worker: Worker, guest: Callable[..., BrowserContext]
) -> None:
    answered(home, worker, "What do bees make?", ANSWER)
    address = make_link(home)
    home.context.grant_permissions(["clipboard-read", "clipboard-write"])
    home.get_by_role("button", name="Copy", exact=True).click()
    expect(home.get_by_role("button", name="Copied")).to_be_visible()
    assert home.evaluate("navigator.clipboard.readText()") == address

    reader = guest(java_script_enabled=False).new_page()
    reader.goto(address)
    expect(reader.locator(".reply strong")).to_have_text("Bees")
    expect(reader.locator(".reply math")).to_be_visible()
    expect(reader.locator(".code .buttons")).to_be_hidden()
    expect(reader.get_by_text("Shared copy of")).to_be_visible()
    reader.get_by_role("button", name="Continue as my copy").click()
    reader.wait_for_url(CONVERSATION)
    expect(reader.locator(".message .text")).to_have_text("What do bees make?")
    reader.get_by_label("Your message").fill("And wasps?")
    reader.get_by_role("button", name="Send").click()
    assert "Bees" in worker.claim().request

    home.get_by_text("Revoke…").click()
    home.get_by_role("button", name="Revoke", exact=True).click()
    expect(home.get_by_text("The link was revoked")).to_be_visible()
    answer = reader.goto(address)
    assert answer is not None
    assert answer.status == 404


def test_code_of_a_copy_is_copied_where_scripts_run(
    home: Page, worker: Worker, guest: Callable[..., BrowserContext]
) -> None:
    answered(home, worker, "Show me", ANSWER)
    path = share(home, conversation_of(home))
    context = guest(permissions=["clipboard-read", "clipboard-write"])
    reader = context.new_page()
    errors: list[str] = []

    def note(error: Exception) -> None:
        errors.append(str(error))

    reader.on("pageerror", note)
    reader.goto(path)
    copy = reader.locator(".code .copy")
    copy.click()
    expect(copy).to_have_class(re.compile("copied"))
    assert reader.evaluate("navigator.clipboard.readText()") == "honey = True\n"
    assert not errors


def test_a_copy_stays_as_it_was_until_its_owner_renews_it(
    home: Page, worker: Worker, guest: Callable[..., BrowserContext]
) -> None:
    answered(home, worker, "one", "First")
    path = share(home, conversation_of(home))
    say(home, "two")
    worker.finish(worker.claim(), "Second")
    expect(home.locator(".reply.done")).to_have_count(2)
    reader = guest().new_page()
    reader.goto(path)
    expect(reader.locator(".reply .text")).to_have_text(["First"])
    home.goto("/account/")
    home.get_by_role("link", name="Shared links").click()
    home.get_by_text("Renew…").click()
    home.get_by_role("button", name="Renew", exact=True).click()
    expect(home.get_by_text("The copy shows the conversation")).to_be_visible()
    reader.reload()
    expect(reader.locator(".reply .text")).to_have_text(["First", "Second"])


def test_on_paper_there_are_only_the_messages(home: Page, worker: Worker) -> None:
    answered(home, worker, "one", "First")
    home.goto(share(home, conversation_of(home)))
    home.emulate_media(media="print")
    expect(home.locator(".reply .text")).to_be_visible()
    expect(home.locator(".continue")).to_be_hidden()
