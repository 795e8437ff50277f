"""Searching as a person with a browser does."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Worker

PAGE = re.compile(r"/search/\?q=")


def talk(page: Page, worker: Worker, prompt: str, answer: str) -> None:
    page.goto("/")
    page.get_by_label("Your message").fill(prompt)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/c/"))
    worker.finish(worker.claim(), answer)
    expect(page.locator(".reply.done .text")).to_have_text(answer)


def test_hits_come_while_one_types(home: Page, worker: Worker) -> None:
    talk(home, worker, "How is a bowline tied?", "Begin with a small loop.")
    talk(home, worker, "What is a splice?", "Two ropes become one.")
    home.goto("/search/")
    box = home.get_by_role("searchbox", name="Search your conversations")
    expect(box).to_be_focused()
    box.press_sequentially("loop")
    hit = home.locator("#hits .hit")
    expect(hit).to_have_count(1)
    expect(hit.locator("mark")).to_have_text("loop")
    expect(home.locator("#status")).to_have_text("1 result.")
    box.fill("loopy")
    expect(home.locator("#hits")).to_contain_text("No results for “loopy”")
    box.fill("")
    expect(home.locator("#hits")).to_be_empty()
    box.fill("loop")
    hit.click()
    home.wait_for_url(re.compile(r"\?at=.+#reply-"))
    expect(home.locator(".reply .text")).to_have_text("Begin with a small loop.")
    expect(home.locator(".reply[aria-current]")).to_have_count(1)
    home.get_by_label("Your message").fill("And then?")
    home.keyboard.press("Enter")
    expect(home.locator(".turn[aria-current]")).to_have_count(0)


def test_older_hits_come_as_one_scrolls(home: Page, worker: Worker) -> None:
    talk(home, worker, "knot 0", "knot answered")
    home.evaluate(
        """async () => {
          const conversation = location.pathname.split("/")[2];
          for (let number = 1; number < 12; number += 1) {
            const body = JSON.stringify({ text: `knot ${number}`, conversation });
            const headers = { "Content-Type": "application/json" };
            await fetch("/api/v1/messages", { method: "POST", headers, body });
          }
        }"""
    )
    for number in range(11):
        worker.finish(worker.claim(), f"knot tied {number}")
    expect(home.locator(".reply.done")).to_have_count(12)
    home.goto("/search/?q=knot")
    expect(home.locator(".hit")).to_have_count(20)
    home.locator(".more").scroll_into_view_if_needed()
    expect(home.locator(".hit")).to_have_count(24)
    expect(home.locator(".more")).to_have_count(0)
    box = home.get_by_role("searchbox")
    box.fill("tied 7")
    expect(home.locator(".hit")).to_have_count(1)
    expect(home).to_have_url(re.compile(r"q=tied(\+|%20)7"))
    home.reload()
    expect(home.locator(".hit")).to_have_count(1)


def test_without_javascript_enter_shows_what_was_found(
    guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = guest(java_script_enabled=False).new_page()
    page.goto("/")
    page.get_by_label("Your message").fill("How is a bowline tied?")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("link", name="Search", exact=True).click()
    page.get_by_role("searchbox").fill("bowl")
    page.get_by_role("searchbox").press("Enter")
    page.wait_for_url(PAGE)
    expect(page.locator(".hit mark")).to_have_text("bowline")
    page.locator(".hit").click()
    expect(page.locator(".message .text")).to_have_text("How is a bowline tied?")
