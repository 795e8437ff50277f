"""What a user does in many tests: type, send, begin a conversation."""

from __future__ import annotations

import re
import time
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Worker

CONVERSATION = re.compile(r"/c/[0-9a-f-]{36}/$")


#: How long a page may take to become as expected.
PATIENCE_SECONDS = 45


def becomes_true(page: Page, script: str, argument: Any = None) -> None:
    """Wait for it. Playwright's own way asks again by evaluating text within the page,
    which the policy of the page forbids."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not page.evaluate(script, argument):
        assert time.monotonic() < deadline, f"did not become true: {script}"
        page.wait_for_timeout(20)


def next_frame(page: Page) -> None:
    """Wait until the page has drawn what scrolling set off."""
    page.evaluate(
        "() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
    )


def say(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


def begin(home: Page, text: str) -> None:
    say(home, text)
    home.wait_for_url(CONVERSATION)
    expect(home.locator(".message .text").last).to_have_text(text)


def answered(home: Page, worker: Worker, prompt: str, answer: str) -> None:
    """Begin a conversation whose first reply is done."""
    begin(home, prompt)
    worker.finish(worker.claim(), answer)
    expect(home.locator(".reply.done")).to_have_count(1)


def box_of(page: Page) -> Locator:
    return page.get_by_label("Your message")


def growing(page: Page) -> Locator:
    """The text of the reply that is being written."""
    return page.locator(".pending .text")


def have_presets(page: Page, *names: str) -> None:
    """Make presets for who uses the page, with a model and instructions."""
    for name in names:
        chosen = {"instructions": f"As {name}.", "model": "smollm2"}
        body = {"name": name, "settings": chosen}
        assert page.request.post("/api/v1/presets", data=body).ok
