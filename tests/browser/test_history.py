"""The list of conversations as a person with a browser finds it."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from chatsite import wire
from chatsite.mailbox import open_mailbox
from tests.browser.conftest import Worker, open_database
from tests.browser.user_actions import CONVERSATION, answered, begin, say
from tests.environment import IS_SOAK
from tests.valkey import Valkey

OPEN_MENU = ".menu:popover-open"
#: Whether the focus is on what a selector names.
HAS_FOCUS = "selector => document.activeElement?.matches(selector)"


def entries(page: Page) -> Locator:
    return page.locator("#conversations .entry")


def entry(page: Page, title: str) -> Locator:
    return entries(page).filter(has_text=re.compile(rf"^\s*{re.escape(title)}\s*$"))


def open_menu(page: Page, title: str) -> None:
    entry(page, title).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(OPEN_MENU).get_by_role("menuitem").first).to_be_focused()


def fill_history(page: Page, count: int) -> None:
    """So many older conversations of the person whose conversation is open."""
    talk = UUID(page.url.rstrip("/").rpartition("/")[2]).hex
    start = datetime.now(UTC) - timedelta(minutes=5)
    with closing(open_database()) as database, database:
        (owner,) = database.execute(
            "SELECT owner_id FROM chat_conversation WHERE id = ?", [talk]
        ).fetchone()
        database.executemany(
            "INSERT INTO chat_conversation"
            " (id, owner_id, title, model, settings, instructions, created_at, updated_at,"
            " has_unread) VALUES (?, ?, ?, '', '{}', '', ?, ?, 0)",
            [
                (uuid4().hex, owner, f"Older {number}", when, when)
                for number in range(count)
                for when in [f"{start - timedelta(hours=number):%F %T.%f}"]
            ],
        )
    open_mailbox().touch(str(UUID(owner)))


def settle(page: Page) -> None:
    """The page knows of all that happened so far."""
    page.reload()
    expect(page.locator("#poller")).to_be_attached()


def press_enter(page: Page) -> None:
    """Once htmx knows a form that has just come: before, it would load a whole page."""
    expect(page.locator(".htmx-added, .htmx-settling")).to_have_count(0)
    page.keyboard.press("Enter")


def test_the_list_goes_on_as_far_as_a_reader_scrolls(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "The newest", "1")
    fill_history(home, 120)
    settle(home)
    expect(entries(home)).to_have_count(50)
    scroller = home.locator(".sidebar-list")
    for count in (100, 121):
        scroller.evaluate("list => list.scrollTo(0, list.scrollHeight)")
        expect(entries(home)).to_have_count(count)
    expect(home.locator("#more")).to_have_count(0)
    titles = entries(home).all_inner_texts()
    assert titles == ["The newest", *(f"Older {number}" for number in range(120))]
    headings = home.locator("#conversations h2").all_inner_texts()
    assert len(headings) == len(set(headings)) >= 2
    # A change brings nothing down that was loaded, and the reader stays in place.
    scroller.evaluate("list => list.scrollTo(0, list.scrollHeight)")
    before = scroller.evaluate("list => list.scrollTop")
    say(home, "Another")
    claim = worker.claim()
    worker.finish(claim, "2")
    expect(home.locator(".reply.done")).to_have_count(2)
    expect(entries(home)).to_have_count(121)
    assert abs(scroller.evaluate("list => list.scrollTop") - before) < 60


def test_a_conversation_is_renamed_with_the_keyboard_alone(
    home: Page, worker: Worker
) -> None:
    begin(home, "A first title")
    claim = worker.claim()
    open_menu(home, "A first title")
    home.keyboard.press("ArrowDown")
    home.keyboard.press("Enter")
    field = home.get_by_role("textbox", name="Title")
    expect(field).to_be_focused()
    expect(field).to_have_value("A first title")
    # What happens meanwhile takes nothing away.
    home.keyboard.type("A better")
    worker.write(claim, "It grows")
    expect(home.locator(".pending .text")).to_have_text("It grows")
    worker.finish(claim, " and ends.")
    expect(home.locator(".reply.done")).to_have_count(1)
    expect(field).to_be_focused()
    home.keyboard.type(" title")
    home.keyboard.press("Enter")
    expect(home.locator("#heading")).to_have_text("A better title")
    expect(home).to_have_title("A better title · chatsite")
    expect(entry(home, "A better title")).to_be_focused()
    expect(home.locator(".rename")).to_have_count(0)
    expect(home.locator(".mark")).to_have_count(0)


def test_escape_leaves_the_title_as_it_is_and_blank_is_refused(
    home: Page, worker: Worker
) -> None:
    begin(home, "Stays as it is")
    open_menu(home, "Stays as it is")
    home.keyboard.press("Escape")
    expect(home.locator(OPEN_MENU)).to_have_count(0)
    assert home.evaluate(HAS_FOCUS, ".item .menu-button")
    home.keyboard.press("ArrowDown")
    expect(home.get_by_role("menuitem", name="Pin")).to_be_focused()
    home.keyboard.press("ArrowDown")
    expect(home.get_by_role("menuitem", name="Rename")).to_be_focused()
    home.keyboard.press("Space")
    home.get_by_role("textbox", name="Title").fill(" ")
    press_enter(home)
    expect(home.locator(".rename .refusal")).to_have_text("Write a title first.")
    home.keyboard.press("Escape")
    expect(home.locator(".rename")).to_have_count(0)
    expect(entry(home, "Stays as it is")).to_be_focused()


def test_a_conversation_is_deleted_and_brought_back(home: Page, worker: Worker) -> None:
    answered(home, worker, "Will be deleted", "1")
    home.goto("/")
    begin(home, "Stays open")
    open_menu(home, "Will be deleted")
    home.keyboard.press("End")
    expect(home.get_by_role("menuitem", name="Delete")).to_be_focused()
    home.keyboard.press("Enter")
    expect(entries(home)).to_have_text(["Stays open"])
    note = home.locator("#undo")
    expect(note).to_contain_text("Deleted “Will be deleted”.")
    expect(note.get_by_role("button", name="Undo")).to_be_focused()
    press_enter(home)
    expect(entries(home)).to_have_count(2)
    expect(entry(home, "Will be deleted")).to_be_focused()
    expect(note).to_be_empty()


def test_deleting_what_is_open_leads_home_and_another_tab_says_so(
    home: Page, worker: Worker
) -> None:
    begin(home, "Open in two tabs")
    other = home.context.new_page()
    other.goto(home.url)
    other.get_by_label("Your message").fill("Typed and not yet sent")
    home.bring_to_front()
    open_menu(home, "Open in two tabs")
    home.get_by_role("menuitem", name="Delete").click()
    home.wait_for_url(re.compile(r"/\?deleted="))
    expect(home.locator(".composer-area .undo")).to_contain_text(
        "Deleted “Open in two tabs”."
    )
    other.bring_to_front()
    expect(other.locator("#notice")).to_contain_text("This conversation was deleted.")
    expect(other.get_by_label("Your message")).to_have_value("Typed and not yet sent")
    home.bring_to_front()
    home.get_by_role("button", name="Undo").click()
    home.wait_for_url(CONVERSATION)
    expect(home.locator(".reply.stopped")).to_have_count(1)
    other.bring_to_front()
    expect(other.locator("#notice .note")).to_have_count(0)
    expect(other.locator(".reply.stopped")).to_have_count(1)
    expect(other.get_by_label("Your message")).to_have_value("Typed and not yet sent")


def test_marks_change_while_a_page_is_idle(
    home: Page, guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    begin(home, "Watched from elsewhere")
    other = home.context.new_page()
    other.goto("/")
    mark = entries(other).locator(".mark")
    home.goto("/favicon.ico")
    expect(mark).to_have_attribute("aria-label", "reply on its way")
    claim = worker.claim()
    expect(mark).to_have_attribute("aria-label", "reply being written")
    worker.finish(claim, "There")
    expect(mark).to_have_attribute("aria-label", "new reply")
    entries(other).click()
    expect(other.locator(".reply.done")).to_have_count(1)
    expect(mark).to_have_count(0)
    say(other, "And again")
    failed = wire.Outcome.FAILED, wire.ErrorCode.MODEL_ERROR
    worker.finish(worker.claim(), "Not", *failed)
    expect(mark).to_have_attribute("aria-label", "last reply failed")


def test_all_are_deleted_after_a_question(home: Page, worker: Worker) -> None:
    begin(home, "One of all")
    home.get_by_role("link", name="Settings", exact=True).click()
    home.get_by_role("link", name="Delete all conversations…").click()
    home.get_by_role("button", name="Delete").click()
    expect(entries(home)).to_have_count(0)
    home.get_by_role("button", name="Undo").click()
    expect(entries(home)).to_have_count(1)


def test_without_a_script_rename_and_delete_work(
    guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    page = guest(java_script_enabled=False).new_page()
    page.goto("/")
    page.get_by_label("Your message").fill("Without a script")
    page.get_by_role("button", name="Send").click()
    page.wait_for_url(re.compile(r"/c/"))
    page.locator(".item .menu-button").click()
    page.get_by_role("link", name="Rename").click()
    page.get_by_role("textbox", name="Title").fill("With another title")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#heading")).to_have_text("With another title")
    page.locator(".item .menu-button").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".composer-area .undo")).to_contain_text(
        "Deleted “With another title”."
    )
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#heading")).to_have_text("With another title")


@pytest.mark.parametrize("width", [320, 390] if IS_SOAK else [320])
def test_on_a_phone_everything_fits_and_can_be_touched(
    width: int, guest: Callable[..., BrowserContext], worker: Worker, valkey: Valkey
) -> None:
    size = {"width": width, "height": 640}
    page = guest(viewport=size, has_touch=True, is_mobile=True).new_page()
    page.goto("/")
    page.get_by_label("Your message").fill("Donaudampfschifffahrtsgesellschaft" * 3)
    page.get_by_role("button", name="Send").click()
    page.wait_for_url(CONVERSATION)
    page.get_by_role("button", name="Conversations").click()

    def fits() -> None:
        assert page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )

    def can_be_touched(part: Locator) -> None:
        found = part.bounding_box()
        assert found
        assert min(found["width"], found["height"]) >= 44
        assert found["x"] >= 0
        assert found["x"] + found["width"] <= width

    can_be_touched(entries(page))
    can_be_touched(page.locator(".item .menu-button"))
    page.locator(".item .menu-button").tap()
    for name in ("Rename", "Settings", "Delete"):
        can_be_touched(page.get_by_role("menuitem", name=name))
    page.get_by_role("menuitem", name="Rename").tap()
    for part in (".rename .field", ".rename button", ".rename a"):
        can_be_touched(page.locator(part))
    fits()
    page.get_by_role("button", name="Cancel").or_(
        page.get_by_role("link", name="Cancel")
    ).tap()
    expect(page.locator(".rename")).to_have_count(0)
    expect(entries(page)).to_be_visible()
