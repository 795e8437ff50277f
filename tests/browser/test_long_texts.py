"""Texts that are far too long for a message: refused at once, and the tab goes on."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Worker
from tests.browser.user_actions import box_of, say


def paste(page: Page, text: str, times: int) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(
        "([text, times]) => navigator.clipboard.writeText(text.repeat(times))",
        [text, times],
    )
    page.keyboard.press("Control+v")


@pytest.mark.parametrize(
    ("text", "times", "count"),
    [
        ("x", 1_000_000, "1,000,000"),
        ("x", 4_000_000, "4,000,000"),
        ("a line of some words\n", 200_000, "4,200,000"),
        ("漢字", 500_000, "1,000,000"),
        ("😀", 1_000_000, "1,000,000"),
    ],
)
def test_a_huge_paste_is_refused_at_once_and_what_was_typed_stays(
    home: Page, worker: Worker, text: str, times: int, count: str
) -> None:
    box = box_of(home)
    box.press_sequentially("typed before")
    paste(home, text, times)
    refusal = home.locator("#refusal")
    expect(refusal).to_contain_text(f"{count} characters, and a message can have 8,000")
    expect(box).to_have_value("typed before")
    box.press_sequentially(" and after")
    expect(refusal).to_be_empty()
    expect(box).to_have_value("typed before and after")


def test_a_huge_paste_into_the_search_is_refused(home: Page, worker: Worker) -> None:
    home.keyboard.press("Control+k")
    field = home.get_by_role("combobox")
    expect(field).to_be_focused()
    paste(home, "y", 1_000_000)
    expect(home.locator("#refusal")).to_contain_text(
        "1,000,000 characters are far more"
    )
    expect(field).to_have_value("")


def test_what_is_somewhat_too_long_stays_in_the_box_and_is_not_sent(
    home: Page, worker: Worker
) -> None:
    sent: list[Any] = []
    home.on("request", lambda request: sent.append(request.method))
    said = "x" * 60_000
    say(home, said)
    expect(home.locator("#refusal")).to_have_text(
        "Too long: 60,000 of 8,000 characters. Shorten it or send it in parts."
    )
    expect(box_of(home)).to_have_value(said)
    assert "POST" not in sent
    home.reload()
    expect(box_of(home)).to_have_value(said)
    box_of(home).fill("short enough")
    home.keyboard.press("Enter")
    expect(home.locator(".message .text")).to_have_text("short enough")


def test_a_full_storage_harms_nothing(home: Page, worker: Worker) -> None:
    home.evaluate(
        "() => { try { for (let n = 0; ; n++) localStorage.setItem('full' + n,"
        " 'x'.repeat(1e5)); } catch { return } }"
    )
    say(home, "x" * 60_000)
    expect(home.locator("#refusal")).to_contain_text("60,000 of 8,000 characters")
    expect(box_of(home)).to_have_value("x" * 60_000)
    home.evaluate("() => localStorage.clear()")


@pytest.mark.parametrize("answer", ["413", "reset"])
def test_a_refusal_of_the_server_gives_the_text_back(
    home: Page, worker: Worker, answer: str
) -> None:
    def refuse(route: Any) -> None:
        if answer == "reset":
            route.abort("connectionreset")
        else:
            route.fulfill(status=413, body="too large")

    home.route("**/send/", refuse)
    say(home, "a text of mine")
    expect(home.locator("#refusal")).to_contain_text("Your text is still here")
    expect(box_of(home)).to_have_value("a text of mine")
