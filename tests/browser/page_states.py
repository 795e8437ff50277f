"""Every page and state that a person can meet, and how to come there.

One line in ``SCENES`` makes a new one part of the accessibility tests and of the
pictures.
"""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from urllib.request import Request, urlopen

from playwright.sync_api import Locator, Page, Route, expect

from chatsite import wire
from chatsite.mailbox import Claim
from tests.browser.conftest import DATABASE, Site, Worker

CONVERSATION = re.compile(r"/c/[0-9a-f-]{36}/")
NOBODYS = "/c/00000000-0000-4000-8000-000000000000/"

QUESTION = "Which is faster in Python: sorting a list, or keeping a heap?"
ANSWER = """\
It depends on **how much of the order you need**, and when.

| you need | take | costs |
|---|---|--:|
| everything, once | `sorted(items)` | n log n |
| the smallest few | `heapq.nsmallest(k, items)` | n log k |
| the next one, while others come | a heap | log n each |

A heap keeps its smallest item first and nothing else in order:

```python
import heapq

def served(arrivals):
    \"\"\"Yield what is due, the most urgent first.\"\"\"
    line = []
    for urgency, name in arrivals:
        heapq.heappush(line, (urgency, name))  # about log n steps
        if len(line) > 2:
            yield heapq.heappop(line)[1]
```

1. Measure with your own data.
2. Sort if in doubt: it is hard to beat.
"""
#: What a reply may hold beyond that, and what does not fit into a line.
EVERYTHING = f"""\
# A heading of the first level
Some text with *emphasis*, **weight**, ~~a correction~~, `code` and
[a link](https://example.org/) on a line of its own: https://example.org/{"a" * 90}

## One of the second
- a list
  - with a list in it,
    and a second line
- whose items

  have paragraphs

#### And one of the fourth
> Someone said this, and it takes more than one line to say it: a quotation keeps its
> distance from what is around it.
>
> > And someone else before.

***

| a | table | with | many | columns | that | does | not | fit | a phone |
|---|:-:|--:|---|---|---|---|---|---|---|
| {"one | " * 10}
| {"a longer word | " * 10}

```
{"a line of code that is longer than the page is wide, " * 3}
  and one that is not
```

```json
{{"is_highlighted": true, "number": 12.5, "text": "yes", "nothing": null}}
```

{"Donaudampfschifffahrtsgesellschaft" * 5}
"""
STORY = (
    "The town kept its clocks, though nobody could say what for. At eleven the bakers "
    "went to bed in full sunlight, and at three the children were called in from a "
    "street that had no shadows.\n\nIt was the lamplighter who noticed first."
)


@dataclass(frozen=True, slots=True)
class Stage:
    """A browser that knows nothing yet, and who is behind the page."""

    page: Page
    worker: Worker
    site: Site


def say(page: Page, text: str) -> None:
    """By the button: on a phone the Enter key makes a new line."""
    page.get_by_label("Your message").fill(text)
    page.get_by_role("button", name="Send").click()


def last(page: Page, kind: str) -> Locator:
    return page.locator(kind).last


def begin(stage: Stage, text: str) -> None:
    stage.page.goto("/")
    say(stage.page, text)
    stage.page.wait_for_url(CONVERSATION)


def grow(stage: Stage, text: str) -> Claim:
    claim = stage.worker.claim()
    stage.worker.write(claim, text)
    expect(last(stage.page, ".pending:not(.held) .text")).to_have_text(text)
    return claim


def others_send(site: Site, count: int) -> None:
    """Each is a guest of their own."""
    for number in range(count):
        body = json.dumps({"text": f"Somebody else's {number}"}).encode()
        headers = {"Content-Type": "application/json"}
        urlopen(Request(f"{site.url}/api/v1/messages", body, headers)).close()


def without_our_script(page: Page) -> None:
    """Forms are then sent by the browser, and what answers is a page."""

    def refuse(route: Route) -> None:
        route.abort()

    page.route("**/*.js", refuse)


@contextmanager
def no_database() -> Iterator[None]:
    """A table less, which to Django is a database that does not answer."""

    def rename(before: str, after: str) -> None:
        with closing(sqlite3.connect(DATABASE, timeout=10)) as database, database:
            database.execute(f"ALTER TABLE {before} RENAME TO {after}")

    rename("chat_message", "chat_away")
    try:
        yield
    finally:
        rename("chat_away", "chat_message")


def home(stage: Stage) -> None:
    stage.page.goto("/")


def home_without_worker(stage: Stage) -> None:
    stage.worker.leave(stage.worker.announce())
    stage.page.goto("/")
    expect(stage.page.locator("#notice")).to_contain_text("No worker")


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


def fetching(stage: Stage) -> None:
    stage.worker.announce(wire.Stage.FETCHING, progress=0.43)
    begin(stage, QUESTION)
    expect(stage.page.locator(".ticket")).to_contain_text("43")


def no_worker(stage: Stage) -> None:
    stage.worker.leave(stage.worker.announce())
    begin(stage, QUESTION)
    expect(stage.page.locator(".reply .note")).to_contain_text("No worker")


def reading(stage: Stage) -> None:
    begin(stage, QUESTION)
    stage.worker.claim()
    expect(stage.page.locator(".status-line")).to_contain_text("Reading")


def writing(stage: Stage) -> None:
    begin(stage, "Write the opening of a story set in a town where it never gets dark.")
    grow(stage, STORY)


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
    expect(stage.page.locator(".reply.held")).to_contain_text("Next")


def paused(stage: Stage) -> None:
    held(stage)
    _fails(stage)
    expect(stage.page.locator(".reply.held")).to_contain_text("anyway")


def edit(stage: Stage) -> None:
    held(stage)
    stage.page.get_by_role("link", name="Change").click()
    expect(stage.page.get_by_role("button", name="Save")).to_be_visible()


def limited(stage: Stage) -> None:
    begin(stage, QUESTION)
    stage.worker.finish(stage.worker.claim(), STORY, is_length_limited=True)
    expect(stage.page.get_by_role("button", name="Go on writing")).to_be_visible()


def beside(stage: Stage) -> None:
    """Several replies asked for at once, two of them done."""
    done(stage)
    stage.page.get_by_role("button", name="4 at once").click()
    for part in (1, 2):
        stage.worker.finish(stage.worker.claim(), STORY[: 120 * part])
    expect(stage.page.locator(".side-by-side .reply.done")).to_have_count(2)


def versions(stage: Stage) -> None:
    done(stage)
    stage.page.get_by_role("button", name="Another reply").click()
    stage.worker.finish(stage.worker.claim(), STORY)
    expect(stage.page.locator(".versions")).to_contain_text("2/2")


def details(stage: Stage) -> None:
    done(stage)
    stage.page.get_by_text("Details").click()
    expect(stage.page.locator(".panel")).to_contain_text("Seed")


def revising(stage: Stage) -> None:
    done(stage)
    stage.page.locator(".message .change").click()
    expect(stage.page.locator(".editing")).to_be_visible()


def settings(stage: Stage) -> None:
    stage.page.goto("/settings/")


def conversation_settings(stage: Stage) -> None:
    done(stage)
    stage.page.locator("#chip").click()
    stage.page.get_by_label("Temperature").fill("3")
    stage.page.locator("form.preferences").evaluate("it => { it.noValidate = true; }")
    stage.page.get_by_role("button", name="Save").click()
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
    for number in range(30):
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
        expect(stage.page.get_by_role("heading")).to_have_text("The server is busy.")


def refused(stage: Stage) -> None:
    stage.worker.announce(free=0)
    begin(stage, QUESTION)
    stage.page.get_by_role("button", name="Leave the line").click()
    expect(stage.page.locator(".reply.stopped")).to_be_visible()
    while stage.page.request.post("/api/v1/messages", data={"text": "more"}).ok:
        pass
    without_our_script(stage.page)
    stage.page.reload()
    stage.page.get_by_role("button", name="Try again").click()
    expect(stage.page.get_by_role("heading", name="Not now.")).to_be_visible()


def csrf_failure(stage: Stage) -> None:
    without_our_script(stage.page)
    stage.page.goto("/")
    stage.page.context.clear_cookies()
    say(stage.page, QUESTION)
    expect(stage.page.get_by_role("heading")).to_have_text("Please send it once more.")


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


PASSWORD = "correct horse battery"


def sign_up(stage: Stage) -> None:
    """What was typed cannot be."""
    done(stage)
    stage.page.goto("/account/sign-up/")
    fill_sign_up(stage.page, "a b", "short")
    expect(stage.page.locator(".errorlist")).to_have_count(2)


def fill_sign_up(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign up").click()


def signed_up(stage: Stage, name: str = "") -> str:
    """As somebody nobody was before; the name."""
    name = name or f"bee-{secrets.token_hex(4)}"
    stage.page.goto("/account/sign-up/")
    fill_sign_up(stage.page, name)
    expect(stage.page.locator(".sidebar-foot, .account").first).to_be_attached()
    return name


def log_in(stage: Stage) -> None:
    """With a password that is not right."""
    fill_log_in(stage.page, f"bee-{secrets.token_hex(4)}")
    expect(stage.page.locator(".note.fail")).to_be_visible()


def fill_log_in(page: Page, name: str) -> None:
    page.goto("/account/log-in/")
    page.get_by_label("Name or e-mail").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def locked(stage: Stage) -> None:
    """Once more often than the site takes."""
    name = f"bee-{secrets.token_hex(4)}"
    for _ in range(2):
        fill_log_in(stage.page, name)
        expect(stage.page.locator(".note.fail")).to_be_visible()
    fill_log_in(stage.page, name)
    expect(stage.page.get_by_role("heading")).to_contain_text("Too many")


def account(stage: Stage) -> None:
    """Logged in on several devices, under a name as long as names can be."""
    done(stage)
    name = signed_up(stage, f"donaudampfschifffahrts-{secrets.token_hex(8)}")
    with closing(sqlite3.connect(DATABASE, timeout=10)) as database, database:
        (pk,) = database.execute(
            "SELECT id FROM chat_user WHERE username = ?", [name]
        ).fetchone()
        database.execute(
            "UPDATE chat_user SET is_staff = 1, is_superuser = 1 WHERE id = ?", [pk]
        )
        for device in ("Firefox on Android", "Safari on iPhone", ""):
            database.execute(
                "INSERT INTO chat_session (session_key, session_data, expire_date,"
                " created_at, seen_at, device, user_id) VALUES (?, '', '2100-01-01',"
                " '2026-01-02', '2026-02-03', ?, ?)",
                [secrets.token_hex(16), device, pk],
            )
    stage.page.goto("/account/")
    expect(stage.page.get_by_text("Safari on iPhone").first).to_be_visible()


def account_of_guest(stage: Stage) -> None:
    done(stage)
    stage.page.goto("/account/")
    expect(stage.page.get_by_role("heading", name="You are a guest")).to_be_visible()


def merge(stage: Stage) -> None:
    """A browser in which a guest wrote something before somebody logged in."""
    name = signed_up(stage)
    stage.page.context.clear_cookies()
    done(stage)
    fill_log_in(stage.page, name)
    expect(stage.page.get_by_role("heading")).to_contain_text("along")


def password(stage: Stage) -> None:
    signed_up(stage)
    stage.page.goto("/account/password/")


def email(stage: Stage) -> None:
    signed_up(stage)
    stage.page.goto("/account/email/")


def forgotten(stage: Stage) -> None:
    stage.page.goto("/account/forgotten/")


def reset(stage: Stage) -> None:
    """A link that is too old."""
    pk = "00000000-0000-4000-8000-000000000000"
    stage.page.goto(f"/account/reset/{pk}/old/")


def erase(stage: Stage) -> None:
    account(stage)
    stage.page.goto("/account/erase/")


def invited(stage: Stage) -> None:
    stage.page.goto("/account/invited/never/")


def invitations(stage: Stage) -> None:
    account(stage)
    stage.page.goto("/account/invitations/")
    for note in ("For the choir", "donaudampfschifffahrtsgesellschaft " * 4):
        stage.page.get_by_label("For whom").fill(note)
        stage.page.get_by_role("button", name="Make a link").click()
        expect(stage.page.locator("#link")).to_be_visible()


SCENES: dict[str, Callable[[Stage], None]] = {
    scene.__name__: scene
    for scene in (
        *(home, home_without_worker, home_fetching, many),
        *(starting, waiting, fetching, no_worker, reading, writing, stopping),
        *(done, everything, failed, stopped, held, paused, too_long, unreachable),
        *(limited, beside, versions, details, revising),
        *(settings, conversation_settings, keys),
        *(edit, missing, busy, refused, csrf_failure, frame, frame_ended),
        *(sign_up, log_in, locked, account, account_of_guest, merge, password, email),
        *(forgotten, reset, erase, invited, invitations),
        unscripted,
    )
}
#: Scenes in a browser in which no script runs.
UNSCRIPTED = {"unscripted"}
