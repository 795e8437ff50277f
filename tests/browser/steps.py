"""What a person does again and again."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

CONVERSATION = re.compile(r"/c/[0-9a-f-]{36}/$")


def say(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


def begin(home: Page, text: str) -> None:
    say(home, text)
    home.wait_for_url(CONVERSATION)
    expect(home.locator(".prompt .text").last).to_have_text(text)


def box_of(page: Page) -> Locator:
    return page.get_by_label("Your message")
