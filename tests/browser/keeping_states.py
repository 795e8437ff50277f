"""What people keep and find again: search, the archive, pins, temporary chats, imports."""

from __future__ import annotations

from contextlib import closing
from urllib.parse import quote

from playwright.sync_api import Route, expect

from tests.browser.account_states import signed_up
from tests.browser.conftest import open_database
from tests.browser.conversation_states import done
from tests.browser.sample_texts import ANSWER, QUESTION, STORY
from tests.browser.sharing_actions import conversation_of
from tests.browser.stage import Stage, begin, open_menu
from tests.browser.stored_texts import StoredTexts
from tests.chat.services.imports.sample_files import SAMPLES

LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitänsmütze"


def search_with_filters(stage: Stage) -> None:
    """Hits for words and filters, with the list of filters opened."""
    _keep_some(stage)
    _search(stage, "before:2100-01-01 queue")
    expect(stage.page.locator(".hit")).not_to_have_count(0)
    stage.page.get_by_text("Filters", exact=True).click()


def search_refused(stage: Stage) -> None:
    """A filter that does not exist."""
    done(stage)
    _search(stage, "in:attic")
    expect(stage.page.locator(".empty")).to_contain_text("There is no filter")


def search_inside(stage: Stage) -> None:
    """Hits within one conversation, and the way to one of its days."""
    done(stage)
    _search(stage, "heap has:code", f"&in={conversation_of(stage.page)}")
    expect(stage.page.locator(".hit mark").first).to_be_visible()


def _search(stage: Stage, typed: str, further: str = "") -> None:
    stage.page.goto(f"/search/?q={quote(typed)}{further}")


def long_conversation(stage: Stage) -> None:
    """Long enough to jump to a day."""
    done(stage)
    shelf = StoredTexts(conversation_of(stage.page))
    said = shelf.put("About the opening:", [STORY] * 30)
    stage.page.goto(f"/c/{said}/")
    stage.page.get_by_label("Jump to a day").focus()


def archive(stage: Stage) -> None:
    """Two archived conversations, one with a long word in its title."""
    _keep_some(stage)
    stage.page.goto("/archive/")
    expect(stage.page.locator(".archived-item")).to_have_count(2)


def archive_empty(stage: Stage) -> None:
    stage.page.goto("/archive/")
    expect(stage.page.get_by_text("Nothing is archived.")).to_be_visible()


def pinned(stage: Stage) -> None:
    """Pinned conversations above the others."""
    _keep_some(stage)
    stage.page.reload()
    expect(stage.page.locator("#conversations h2").first).to_have_text("Pinned")


def _keep_some(stage: Stage) -> None:
    """Two pinned conversations, two archived ones, and some that are neither."""
    done(stage)
    shelf = StoredTexts(conversation_of(stage.page))
    # Each is also the title of a conversation of its own.
    shelf.put("queue", [f"{LONG_WORD} {LONG_WORD}", "The opening of a story", ANSWER])
    shelf.put("queue", ["How to tie a bowline", "Which heap is the fastest?"])
    with closing(open_database()) as database, database:
        newest = (
            "SELECT id FROM chat_conversation WHERE owner_id = (SELECT owner_id FROM"
            " chat_conversation ORDER BY updated_at DESC LIMIT 1)"
            " ORDER BY updated_at DESC LIMIT 2"
        )
        for column, skipped in (("is_pinned", 1), ("is_archived", 5)):
            database.execute(
                f"UPDATE chat_conversation SET {column} = 1"
                f" WHERE id IN ({newest} OFFSET {skipped})"
            )


def temporary_home(stage: Stage) -> None:
    stage.page.goto("/?temporary=1")


def temporary(stage: Stage) -> None:
    """A temporary chat that has begun."""
    temporary_home(stage)
    stage.page.get_by_label("Your message").fill(QUESTION)
    stage.page.get_by_role("button", name="Send").click()
    stage.worker.finish(stage.worker.claim(), STORY)
    expect(stage.page.locator(".reply.done .text")).to_be_visible()
    expect(stage.page.locator("#archived-note .note")).to_be_visible()


def forked(stage: Stage) -> None:
    done(stage)
    before = stage.page.url
    open_menu(stage.page)
    stage.page.get_by_role("menuitem", name="Fork from here").click()
    stage.page.wait_for_url(lambda url: "/c/" in url and url != before)
    expect(stage.page.locator(".reply.done")).to_be_visible()


def rewritten(stage: Stage) -> None:
    """A reply whose text its reader has edited."""
    begin(stage, "Write the opening of a story.")
    stage.worker.finish(stage.worker.claim(), STORY)
    expect(stage.page.locator(".reply.done")).to_be_visible()
    open_menu(stage.page)
    stage.page.get_by_role("menuitem", name="Edit").click()
    stage.page.get_by_label("Edit reply").fill(STORY.replace("town", "village"))
    stage.page.get_by_role("button", name="Save").click()
    expect(stage.page.locator(".versions")).to_contain_text("2/2")


def imports_empty(stage: Stage) -> None:
    signed_up(stage)
    stage.page.goto("/imports/")
    expect(stage.page.get_by_role("button", name="Send file")).to_be_visible()


def import_reading(stage: Stage) -> None:
    """As the page is before it asks again; the keeper may have been faster."""
    stage.page.route("**/imports/*/", _refuse_script)
    _send_import(stage, "chatgpt/01-plain.json")
    while not stage.page.locator("progress").is_visible():
        _send_file(stage, "chatgpt/01-plain.json")


def _refuse_script(route: Route) -> None:
    if "hx-request" in route.request.headers:
        route.fulfill(status=204)
    else:
        route.continue_()


def import_done(stage: Stage) -> None:
    _send_import(stage, "chatgpt/06-images-and-voice.json")
    stage.page.get_by_role("button", name="Import them").click()
    expect(stage.page.locator(".import .cards a").first).to_be_visible()


def import_refused(stage: Stage) -> None:
    """A file that is no export."""
    _send_import(stage, "chatgpt/14-unknown.json")
    expect(
        stage.page.get_by_role("button", name="Remove from the list")
    ).to_be_visible()


def _send_import(stage: Stage, sample: str) -> None:
    signed_up(stage)
    _send_file(stage, sample)


def _send_file(stage: Stage, sample: str) -> None:
    stage.page.goto("/imports/")
    stage.page.get_by_label("File", exact=True).set_input_files(SAMPLES / sample)
    stage.page.get_by_role("button", name="Send file").click()
    stage.page.wait_for_url("**/imports/*/")


KEEPING_STATES = (
    *(search_with_filters, search_refused, search_inside, long_conversation),
    *(archive, archive_empty, pinned, temporary_home, temporary, forked, rewritten),
    *(imports_empty, import_reading, import_done, import_refused),
)
