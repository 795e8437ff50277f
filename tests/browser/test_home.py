"""The first page: a composer in the middle, and notices that go."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from tests.browser.conftest import DESK, Site, Worker, served_beside
from tests.browser.user_actions import begin, box_of

#: A desk, the same at 200 %, phones upright and on their side.
SIZES: list[ViewportSize] = [
    DESK,
    {"width": 640, "height": 400},
    {"width": 390, "height": 664},
    {"width": 320, "height": 640},
    {"width": 740, "height": 360},
]
SCROLLED = """[document.querySelector(".main").scrollTop,
  document.getElementById("content").scrollTop, scrollY]"""
TOLD = "Using Scripted replies because GPT-2 is not available."


@pytest.fixture
def stand_in(site: Site, tmp_path: Path) -> Iterator[str]:
    """The URL of the site as it is while another model answers than the wanted one."""
    chosen = {"model": "scripted", "wanted": "gpt2", "reason": "the hub is away."}
    (tmp_path / "model.json").write_text(json.dumps(chosen))
    with served_beside(site, DATA_DIR=str(tmp_path), CHAT_MODEL="") as served:
        yield served.url


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size['width']}")
def test_it_is_never_opened_scrolled(
    size: ViewportSize, guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = guest(viewport=size).new_page()
    page.goto("/")
    expect(box_of(page)).to_be_focused()
    assert page.evaluate(SCROLLED) == [0, 0, 0]
    expect(page.get_by_role("heading", name="What’s on")).to_be_in_viewport(ratio=1)
    expect(box_of(page)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("size", [DESK, SIZES[2]])
def test_the_composer_moves_down_once_there_is_a_message(
    size: ViewportSize, home: Page, worker: Worker
) -> None:
    home.set_viewport_size(size)
    ideas = home.locator(".examples")
    composer = home.locator("#composer")
    before = composer.bounding_box()
    assert before and before["y"] + before["height"] < 0.75 * size["height"]
    expect(ideas).to_be_in_viewport(ratio=1)
    ideas.get_by_role("link", name="Why is the sky blue?").click()
    expect(box_of(home)).to_have_value("Why is the sky blue?")
    home.goto("/")
    begin(home, "one")
    expect(ideas).to_have_count(0)
    after = composer.bounding_box()
    assert after and after["y"] > before["y"] + before["height"]


def test_the_notice_of_another_model_is_dismissed_without_a_page_load(
    stand_in: str, guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = guest().new_page()
    page.goto(stand_in)
    box_of(page).fill("half a thought")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text(TOLD)).to_have_count(0)
    expect(box_of(page)).to_have_value("half a thought")
    page.reload()
    expect(box_of(page)).to_be_visible()
    expect(page.get_by_text(TOLD)).to_have_count(0)


def test_the_notice_is_dismissed_without_a_script(
    stand_in: str, guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = guest(java_script_enabled=False).new_page()
    page.goto(stand_in)
    expect(page.get_by_text(TOLD)).to_be_visible()
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text(TOLD)).to_have_count(0)
