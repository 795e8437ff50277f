"""Text files that are attached to a message, on a desk and on a phone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, expect

from tests.browser.conftest import Worker
from tests.browser.user_actions import becomes_true

NOTES: FilePayload = {
    "name": "notes.md",
    "mimeType": "text/markdown",
    "buffer": "# Notes\n\n```\ncode\n```\nÄ <b>&amp;\n".encode(),
}
LATIN: FilePayload = {
    "name": "alt.txt",
    "mimeType": "text/plain",
    "buffer": "grün".encode("latin-1"),
}
PICTURE: FilePayload = {
    "name": "p.png",
    "mimeType": "image/png",
    "buffer": b"\x89PNG\r\n\x1a\n\0\0",
}
SENT = (
    '````md title="notes.md"\n# Notes\n\n```\ncode\n```\nÄ <b>&amp;\n````\n\n'
    '```txt title="alt.txt"\ngrün\n```\n\nWhat is in them?'
)


def attach(page: Page, *files: FilePayload) -> None:
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Attach text files").click()
    chosen.value.set_files(files)


@pytest.mark.parametrize("is_phone", [False, True])
def test_files_are_attached_kept_and_sent(
    guest: Callable[..., BrowserContext], worker: Worker, is_phone: bool
) -> None:
    size = {"width": 390, "height": 664} if is_phone else {"width": 1280, "height": 800}
    page = guest(viewport=size, has_touch=is_phone).new_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/")
    attach(page, NOTES, LATIN, PICTURE)
    chips = page.get_by_role("list", name="Attached files").get_by_role("listitem")
    expect(chips).to_have_text([re.compile("notes.md.*0.1 kB"), re.compile("Latin-1")])
    expect(page.locator("#refusal")).to_have_text("p.png is not a text file.")
    page.locator("#text").fill("What is in them?")
    page.reload()
    expect(chips).to_have_count(2)
    expect(page.locator("#text")).to_have_value("What is in them?")
    page.get_by_role("button", name="Send", exact=True).click()
    claim = worker.claim()
    assert SENT in [turn["text"] for turn in json.loads(claim.request)["turns"]]
    worker.finish(claim, "Notes.")
    message = page.locator(".message:not(.sending) .text")
    expect(message.locator("summary")).to_have_text(
        [re.compile("notes.md"), re.compile("alt.txt")]
    )
    expect(chips).to_have_count(0)
    expect(message.locator("pre").first).to_be_hidden()
    message.locator("summary").first.press("Enter")
    expect(message.locator("pre").first).to_have_text(re.compile("# Notes"))
    page.locator(".message .copy").click()
    becomes_true(
        page, "sent => navigator.clipboard.readText().then(said => said === sent)", SENT
    )
    expect(page).to_have_title(re.compile("^What is in them"))
    attach(page, PICTURE)
    expect(page.locator("#refusal")).to_have_text("p.png is not a text file.")
    page.get_by_role("link", name="Edit").click()
    expect(page.locator("#refusal")).to_have_text("")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(page.locator(".message a.change").get_attribute("href"))
    expect(chips).to_have_count(2)
    expect(page.locator("#text")).to_have_value("What is in them?")


def test_a_chip_is_removed_by_the_keyboard(
    guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = guest().new_page()
    page.goto("/")
    attach(page, NOTES, LATIN)
    page.get_by_role("button", name="Remove notes.md").press("Enter")
    expect(page.locator("#status")).to_have_text("notes.md was removed.")
    expect(page.get_by_role("button", name="Remove alt.txt")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_be_focused()
    expect(page.locator("#files")).to_be_hidden()


def test_the_files_of_a_message_that_is_edited_are_chips(
    home: Page, worker: Worker
) -> None:
    attach(home, NOTES, LATIN)
    home.locator("#text").fill("What is in them?")
    home.keyboard.press("Enter")
    worker.finish(worker.claim(), "Words.")
    expect(home.locator(".reply.done")).to_be_visible()
    home.locator(".message").hover()
    home.get_by_role("link", name="Edit").click()
    box = home.get_by_label("Edit message")
    chips = home.locator(".editor .file")
    expect(chips).to_have_text([re.compile("notes.md"), re.compile("alt.txt")])
    expect(box).to_have_value("What is in them?")
    home.keyboard.type(" And why?")
    home.reload()  # the draft has the files
    home.locator(".message").hover()
    home.get_by_role("link", name="Edit").click()
    expect(box).to_have_value("What is in them? And why?")
    home.get_by_role("button", name="Remove alt.txt").click()
    expect(chips).to_have_count(1)
    expect(home.get_by_role("button", name="Remove notes.md")).to_be_focused()
    box.press("Control+Enter")
    turns = json.loads(worker.claim().request)["turns"]
    notes, _, _ = SENT.partition("```txt")
    assert turns[-1]["text"] == f"{notes}What is in them? And why?"


def test_a_message_that_is_on_its_way_shows_its_files(
    guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = guest().new_page()
    page.goto("/")
    attach(page, NOTES)
    page.route("**/send/", lambda route: None)
    page.get_by_role("button", name="Send", exact=True).click()
    sending = page.locator(".message.sending .text")
    expect(sending.locator("summary")).to_have_text(re.compile("notes.md.*0.1 kB"))
    page.unroute_all(behavior="ignoreErrors")
