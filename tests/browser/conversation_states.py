"""Every state of a conversation and of the pages around it, and how to come there."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from chatsite import wire
from tests.browser.sample_texts import ANSWER, EVERYTHING, QUESTION, STORY
from tests.browser.stage import (
    Stage,
    begin,
    grow,
    last,
    no_database,
    open_menu,
    others_send,
    say,
    without_our_script,
)
from tests.browser.user_actions import have_presets

NOBODYS = "/c/00000000-0000-4000-8000-000000000000/"


def home(stage: Stage) -> None:
    stage.page.goto("/")


def home_without_worker(stage: Stage) -> None:
    stage.worker.leave(stage.worker.announce())
    stage.page.goto("/")
    expect(stage.page.locator("#notice")).to_contain_text("is offline")


def home_fetching(stage: Stage) -> None:
    stage.worker.announce(wire.Stage.FETCHING, progress=0.43)
    stage.page.goto("/")
    expect(stage.page.locator("#notice")).to_contain_text("43")


def starting(stage: Stage) -> None:
    begin(stage, QUESTION)
    expect(stage.page.locator(".state")).to_be_visible()


def waiting(stage: Stage) -> None:
    pace = {"tokens_per_second": 20.0, "tokens_per_reply": 150.0, "reply_spread": 0.3}
    stage.worker.announce(free=0, rows=2, **pace)
    others_send(stage.site, 3)
    begin(stage, QUESTION)
    expect(stage.page.locator(".ticket")).to_contain_text("3ahead of you")


def when_idle(stage: Stage) -> None:
    """A message that waits until the workers are idle, and the switch for the next."""
    stage.worker.announce(free=0)
    stage.page.goto("/")
    switch = stage.page.get_by_role("button", name="When to run")
    switch.click()
    stage.page.get_by_label("Run when idle").check()
    stage.page.keyboard.press("Escape")
    say(stage.page, QUESTION)
    expect(stage.page.locator(".ticket")).to_contain_text("when idle")
    switch.click()


def fetching(stage: Stage) -> None:
    stage.worker.announce(wire.Stage.FETCHING, progress=0.43)
    begin(stage, QUESTION)
    expect(stage.page.locator(".ticket")).to_contain_text("43")


def no_worker(stage: Stage) -> None:
    stage.worker.leave(stage.worker.announce())
    begin(stage, QUESTION)
    expect(stage.page.locator(".reply .note")).to_contain_text("is offline")


def reading(stage: Stage) -> None:
    begin(stage, QUESTION)
    stage.worker.claim()
    expect(stage.page.locator(".status-line")).to_contain_text("Thinking…")


def writing(stage: Stage) -> None:
    begin(stage, "Write the opening of a story set in a town where it never gets dark.")
    grow(stage, STORY)


def growing(stage: Stage) -> None:
    """In the middle of a line of code, below a table."""
    begin(stage, QUESTION)
    code = ANSWER.index("heapq.heappush") + len("heapq.heap")
    stage.worker.write(stage.worker.claim(), ANSWER[:code])
    text = stage.page.locator(".pending .text")
    expect(text.locator("tbody tr")).to_have_count(3)
    expect(text.locator("code").last).to_contain_text("heapq.heap")


def stopping(stage: Stage) -> None:
    writing(stage)
    stage.page.locator("#stop").click()
    expect(stage.page.locator(".status-line")).to_contain_text("Stopping")


def done(stage: Stage) -> None:
    _finished(stage, QUESTION, ANSWER)


def everything(stage: Stage) -> None:
    """All that Markdown knows, and a prompt that has long words."""
    _finished(stage, "Donaudampfschifffahrtsgesellschaft" * 5 + "\n\nshort", EVERYTHING)


def _finished(stage: Stage, question: str, answer: str) -> None:
    begin(stage, question)
    stage.worker.finish(stage.worker.claim(), answer)
    expect(stage.page.locator(".reply.done .text")).to_be_visible()


def failed(stage: Stage) -> None:
    writing(stage)
    _fails(stage)


def _fails(stage: Stage) -> None:
    # Whoever claimed last is the one who writes.
    error = wire.ErrorCode.MODEL_ERROR
    stage.worker.finish_last(outcome=wire.Outcome.FAILED, error=error)
    expect(stage.page.locator(".reply.failed")).to_be_visible()


def stopped(stage: Stage) -> None:
    stopping(stage)
    stage.worker.finish_last(outcome=wire.Outcome.STOPPED)
    expect(stage.page.locator(".reply.stopped")).to_be_visible()


def held(stage: Stage) -> None:
    writing(stage)
    say(stage.page, "And now the ending.")
    expect(stage.page.locator(".reply.held")).to_contain_text("Sends after")


def paused(stage: Stage) -> None:
    held(stage)
    _fails(stage)
    expect(stage.page.locator(".reply.held")).to_contain_text("anyway")


def attached(stage: Stage) -> None:
    """A message with a file that is open, and files in the box."""
    stage.page.goto("/")
    put_files(stage.page, ("queue.py", "def first(queue):\n    return queue[0]\n"))
    say(stage.page, "Does this work for an empty queue?")
    stage.worker.finish(stage.worker.claim(), "No: an empty list has no first item.")
    expect(last(stage.page, ".reply.done")).to_be_visible()
    stage.page.locator(".message summary").click()
    long = "a name that is much longer than the screen of any telephone is wide.csv"
    put_files(stage.page, ("notes.txt", "one\n" * 800), (long, "1;2\n"))


def put_files(page: Page, *files: tuple[str, str]) -> None:
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Attach text files").click()
    chosen.value.set_files(
        [
            {"name": name, "mimeType": "text/plain", "buffer": text.encode()}
            for name, text in files
        ]
    )
    expect(page.locator("#files .name").last).to_have_text(files[-1][0])


def edit(stage: Stage) -> None:
    """A held message, in its place."""
    held(stage)
    stage.page.locator(".held .change").click()
    expect(stage.page.get_by_label("Edit message")).to_be_focused()


def edit_page(stage: Stage) -> None:
    """The same without a script."""
    held(stage)
    stage.page.goto(stage.page.locator(".held .change").get_attribute("href") or "")
    expect(stage.page.get_by_role("button", name="Save")).to_be_visible()


def limited(stage: Stage) -> None:
    begin(stage, QUESTION)
    stage.worker.finish(stage.worker.claim(), STORY, is_length_limited=True)
    expect(stage.page.get_by_role("button", name="Continue")).to_be_visible()


def beside(stage: Stage) -> None:
    """Several replies asked for at once, two of them done."""
    done(stage)
    open_menu(stage.page)
    stage.page.get_by_role("menuitem", name="Write 4 variations").click()
    for part in (1, 2):
        stage.worker.finish(stage.worker.claim(), STORY[: 120 * part])
    expect(stage.page.locator(".side-by-side .reply.done")).to_have_count(2)


def versions(stage: Stage) -> None:
    done(stage)
    stage.page.get_by_role("button", name="Regenerate").click()
    stage.worker.finish(stage.worker.claim(), STORY)
    expect(stage.page.locator(".versions")).to_contain_text("2/2")


def details(stage: Stage) -> None:
    done(stage)
    open_menu(stage.page)
    stage.page.get_by_role("menuitem", name="Details").click()
    expect(stage.page.locator(".panel")).to_contain_text("Seed")


def rated(stage: Stage) -> None:
    done(stage)
    stage.page.get_by_role("button", name="Bad reply").click()
    expect(stage.page.get_by_label("What was wrong? (optional)")).to_be_visible()


def rewriting(stage: Stage) -> None:
    done(stage)
    open_menu(stage.page)
    stage.page.get_by_role("menuitem", name="Edit").click()
    expect(stage.page.get_by_label("Edit reply")).to_be_focused()


def turn_deleted(stage: Stage) -> None:
    done(stage)
    open_menu(stage.page)
    stage.page.get_by_role("menuitem", name="Delete message and reply").click()
    expect(stage.page.locator("#deleted-turn button")).to_be_focused()


def revising(stage: Stage) -> None:
    done(stage)
    stage.page.locator(".message .change").click()
    expect(stage.page.get_by_label("Edit message")).to_be_focused()


def revising_page(stage: Stage) -> None:
    """The same without a script."""
    done(stage)
    stage.page.goto(stage.page.locator(".message .change").get_attribute("href") or "")
    expect(stage.page.locator(".editing")).to_be_visible()


def menu(stage: Stage) -> None:
    done(stage)
    open_menu(stage.page)
    expect(
        stage.page.get_by_role("menuitem", name="Write 4 variations")
    ).to_be_visible()


def settings(stage: Stage) -> None:
    stage.page.goto("/settings/")


def options(stage: Stage) -> None:
    """The menu of the conversation that is open."""
    done(stage)
    stage.page.locator("#head-menu-button").click()
    expect(stage.page.get_by_role("menuitem", name="Pin")).to_be_focused()


def model_menu(stage: Stage) -> None:
    done(stage)
    stage.page.locator("#model-button").click()
    expect(stage.page.get_by_role("menuitemradio").first).to_be_visible()


def palette(stage: Stage) -> None:
    done(stage)
    stage.page.keyboard.press("Control+k")
    stage.page.get_by_role("combobox").fill(QUESTION.split()[0].lower())
    expect(stage.page.get_by_role("option", name="See all results")).to_be_visible()


def preset_menu(stage: Stage) -> None:
    """What "/" offers on the empty page."""
    stage.page.goto("/")
    have_presets(stage.page, "Poet", "Critic")
    stage.page.reload()
    stage.page.focus("#text")
    stage.page.keyboard.type("/")
    expect(stage.page.get_by_role("option", name="Critic", exact=True)).to_be_visible()


def presets(stage: Stage) -> None:
    preset_menu(stage)
    stage.page.goto("/presets/")
    stage.page.get_by_text("Delete…").first.click()
    expect(stage.page.get_by_role("button", name="Delete preset")).to_be_visible()


def list_hidden(stage: Stage) -> None:
    """On a phone it is hidden anyway."""
    done(stage)
    if stage.page.locator("#sidebar").is_visible():
        stage.page.keyboard.press("Control+b")
    expect(stage.page.locator("#sidebar")).to_be_hidden()


def conversation_settings(stage: Stage) -> None:
    model_menu(stage)
    stage.page.get_by_role("menuitem", name="Conversation settings…").click()
    stage.page.get_by_text("Advanced: sampling").click()
    stage.page.get_by_label("Temperature").fill("3")
    stage.page.locator("form.preferences").evaluate("it => { it.noValidate = true; }")
    stage.page.get_by_role("button", name="Save", exact=True).click()
    expect(stage.page.locator(".errorlist")).to_be_visible()


def keys(stage: Stage) -> None:
    done(stage)
    stage.page.keyboard.press("Control+/")
    expect(stage.page.locator("#shortcuts")).to_be_visible()


def too_long(stage: Stage) -> None:
    """A prompt that is refused beside the box."""
    done(stage)
    say(stage.page, "much too long " * 600)
    expect(stage.page.locator("#refusal")).to_contain_text("characters")


def unreachable(stage: Stage) -> None:
    """The server does not answer any more."""
    done(stage)
    stage.page.locator("#connection-lost").evaluate("said => { said.hidden = false; }")


def many(stage: Stage) -> None:
    """A long list of conversations, one of them with a reply to come."""
    done(stage)
    for number in range(16):
        text = f"An earlier conversation, number {number}"
        sent = stage.page.request.post("/api/v1/messages", data={"text": text})
        if sent.status == 429:
            break
    stage.page.reload()


def missing(stage: Stage) -> None:
    stage.page.goto(NOBODYS)


def busy(stage: Stage) -> None:
    without_our_script(stage.page)
    stage.page.goto("/")
    with no_database():
        say(stage.page, QUESTION)
        expect(stage.page.get_by_role("heading")).to_have_text("The server is busy")


def refused(stage: Stage) -> None:
    stage.worker.announce(free=0)
    begin(stage, QUESTION)
    stage.page.get_by_role("button", name="Cancel").click()
    expect(stage.page.locator(".reply.stopped")).to_be_visible()
    while stage.page.request.post("/api/v1/messages", data={"text": "more"}).ok:
        pass
    without_our_script(stage.page)
    stage.page.reload()
    stage.page.get_by_role("button", name="Try again").click()
    expect(stage.page.get_by_role("heading", name="Limit reached")).to_be_visible()


def csrf_failure(stage: Stage) -> None:
    without_our_script(stage.page)
    stage.page.goto("/")
    stage.page.context.clear_cookies()
    say(stage.page, QUESTION)
    expect(stage.page.get_by_role("heading")).to_have_text("Please send again")


def frame(stage: Stage) -> None:
    """What stands for a reply to come where no script runs."""
    writing(stage)
    _into_the_frame(stage.page)


def frame_ended(stage: Stage) -> None:
    done(stage)
    _into_the_frame(stage.page)


def _into_the_frame(page: Page) -> None:
    reply = last(page, ".reply").get_attribute("id") or ""
    page.goto(f"/r/{reply.removeprefix('reply-')}/frame/")
    # It would load itself again while it is looked at; an answer of 204 is no new page.
    page.route("**/frame/", lambda route: route.fulfill(status=204))


def unscripted(stage: Stage) -> None:
    begin(stage, QUESTION)
    stage.worker.write(stage.worker.claim(), STORY)
    expect(stage.page.frame_locator("iframe").locator(".text")).to_have_text(STORY)


CONVERSATION_STATES = (
    *(home, home_without_worker, home_fetching, many),
    *(
        starting,
        waiting,
        when_idle,
        fetching,
        no_worker,
        reading,
        writing,
        growing,
        stopping,
    ),
    *(done, everything, failed, stopped, held, paused, too_long, unreachable),
    *(limited, beside, versions, details, menu, revising, revising_page, attached),
    *(rated, rewriting, turn_deleted),
    *(settings, options, model_menu, palette, preset_menu, presets, list_hidden),
    *(conversation_settings, keys),
    *(edit, edit_page, missing, busy, refused, csrf_failure, frame, frame_ended),
    unscripted,
)
