"""A real browser before a real server; the worker is played by the test.

The page is served by gunicorn as in production, and a keeper sweeps beside it. No
test here may use the ORM: Playwright keeps an event loop in this thread.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen
from uuid import UUID

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    ViewportSize,
    expect,
)

from chatsite import wire
from chatsite.mailbox import Claim, Mailbox, open_mailbox
from chatsite.sqlite.base import add_functions
from launch.env.chromium import executable
from tests.environment import FOLDER
from tests.processes import Program, free_port
from tests.valkey import Valkey

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 90
DATABASE = FOLDER / "browser.sqlite3"
#: Nothing a page does should take longer than this on a slow machine.
PATIENCE_MS = 45_000


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    path = executable()
    if path is None:
        reason = "NO BROWSER: install Chromium or run `make browser`"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return {"executable_path": path, "args": ARGUMENTS, "headless": True}


def open_database() -> sqlite3.Connection:
    """The site's database, with the function that its triggers of search call."""
    database = sqlite3.connect(DATABASE, timeout=10)
    add_functions(database)
    return database


@dataclass
class Site:
    """The site as it is served, and its web process, which tests may stop."""

    url: str
    environment: dict[str, str]
    web: Program

    def end_everything(self) -> None:
        """What an earlier test left unanswered; the keeper would bring it back."""
        with closing(sqlite3.connect(DATABASE, timeout=10)) as database, database:
            database.execute(
                "UPDATE chat_reply SET state = 'stopped' "
                "WHERE state IN ('held', 'queued')"
            )

    def has_ended(self, reply: str) -> bool:
        with closing(sqlite3.connect(DATABASE, timeout=10)) as database:
            (state,) = database.execute(
                "SELECT state FROM chat_reply WHERE message_id = ?", [UUID(reply).hex]
            ).fetchone()
        return state == "stopped"

    def start_web(self) -> None:
        self.web = web_process(self.url, self.environment)

    def wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with urlopen(f"{self.url}/healthz", timeout=2):
                    return
            except (URLError, ConnectionError, TimeoutError):
                assert self.web.is_alive, self.web.log
                assert time.monotonic() < deadline, self.web.log
                time.sleep(0.05)


@contextmanager
def served_beside(site: Site, **settings: str) -> Iterator[Site]:
    """Another web process of the same site, with other settings."""
    url, environment = f"http://127.0.0.1:{free_port()}", site.environment | settings
    served = Site(url, environment, web_process(url, environment))
    served.wait()
    yield served
    served.web.terminate()


def web_process(url: str, environment: dict[str, str]) -> Program:
    return Program(
        *("-m", "gunicorn", "chatsite.wsgi:application"),
        *("--bind", url.removeprefix("http://"), "--worker-class", "gthread"),
        *("--threads", "8", "--no-control-socket"),
        **environment,
    )


@pytest.fixture(scope="session")
def site(valkey_server: Valkey, migrated: Callable[[Path], str]) -> Iterator[Site]:
    url = f"http://127.0.0.1:{free_port()}"
    environment = {
        "DATABASE_URL": migrated(DATABASE),
        "POLL_IDLE_SECONDS": "1",
        # Every test process keeps this site until its end, and a core has other work.
        "SWEEP_SECONDS": "1",
        "GUEST_REPLIES_WAITING": "30",
        "LOGIN_FAILURES_MAX": "2",
        "NETWORK_LOGIN_FAILURES_PER_HOUR": "10000",
    }
    served = Site(url, environment, web_process(url, environment))
    served.wait()
    with Program("manage.py", "keeper", **environment):
        yield served
    served.web.terminate()


class Worker:
    """Plays a worker, so that text grows when the test says so."""

    def __init__(self, box: Mailbox, site: Site) -> None:
        self._box = box
        self._site = site
        self._offsets: dict[str, int] = {}
        self._tokens: dict[str, int] = {}
        self._last: Claim | None = None

    def announce(
        self, stage: wire.Stage = wire.Stage.READY, **said: Any
    ) -> wire.Announcement:
        return self.announce_as("w", stage, **said)

    def announce_as(
        self, name: str, stage: wire.Stage, **said: Any
    ) -> wire.Announcement:
        known = {"rows": 1, "free": 1, **said}
        told = wire.Announcement(name, "scripted", "Scripted replies", stage, **known)
        self._box.announce(told, seconds=60)
        return told

    def leave(self, told: wire.Announcement) -> None:
        self._box.withdraw(told)

    def claim(self, seconds: float = 15) -> Claim:
        """Take the first in line, as soon as there is one."""
        deadline = time.monotonic() + seconds
        while (got := self._claim_of_this_test()) is None:
            assert time.monotonic() < deadline, "nobody waits"
            time.sleep(0.02)
        self._offsets[got.token] = self._tokens[got.token] = 0
        self._last = got
        return got

    def _claim_of_this_test(self) -> Claim | None:
        got = self._box.claim("scripted", "w", 60)
        # The keeper may just have been publishing a prompt of an earlier test.
        return None if got is None or self._site.has_ended(got.reply) else got

    def write(self, claim: Claim, text: str) -> str:
        """Text that follows what was written before; the mailbox's verdict."""
        kept = self._box.write([self._next(claim, text)], 60)[0]
        self._offsets[claim.token] = kept.length
        return kept.verdict

    def finish(
        self,
        claim: Claim,
        text: str = "",
        outcome: wire.Outcome = wire.Outcome.DONE,
        error: wire.ErrorCode | None = None,
        **said: Any,
    ) -> None:
        write = self._next(claim, text)
        counts = {"prompt_tokens": 7, "new_tokens": write[4]}
        ending = wire.Ending(outcome, error, **{**counts, **said})
        assert self._box.finish(write, ending).verdict == "kept"

    def hand_back(self, claim: Claim) -> None:
        """Give a reply back to the queue, as a worker that ends does."""
        self._box.hand_back(claim.reply, claim.token)

    def finish_last(self, text: str = "", **ending: Any) -> None:
        """End the reply that was claimed last."""
        assert self._last is not None
        self.finish(self._last, text, **ending)

    def _next(self, claim: Claim, text: str) -> tuple[str, str, int, str, int]:
        self._tokens[claim.token] += len(text.split())
        offset, tokens = self._offsets[claim.token], self._tokens[claim.token]
        return (claim.reply, claim.token, offset, text, tokens)


def first_worker(site: Site, queue: Valkey) -> Worker:
    """A worker that is there and has a free row; nobody waits for it yet."""
    site.end_everything()
    queue.client.flushall()
    played = Worker(open_mailbox(), site)
    played.announce()
    return played


@pytest.fixture
def worker(site: Site, valkey: Valkey) -> Worker:
    return first_worker(site, valkey)


DESK: ViewportSize = {"width": 1100, "height": 760}
#: What turns and blinks while a page waits would keep a core busy.
STILL: Any = {"reduced_motion": "reduce"}


@pytest.fixture
def guest(site: Site, browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Opens browsers that know nothing yet: a phone, one without a script, …"""
    opened: list[BrowserContext] = []

    def open_one(**options: Any) -> BrowserContext:
        context = browser.new_context(
            **{"base_url": site.url, "viewport": DESK, **STILL, **options}
        )
        context.set_default_timeout(PATIENCE_MS)
        opened.append(context)
        return context

    expect.set_options(timeout=PATIENCE_MS)
    yield open_one
    for context in opened:
        context.close()


@pytest.fixture(scope="session")
def kept_browser(site: Site, browser: Browser) -> Iterator[BrowserContext]:
    """What ``fresh_page`` empties for each test: a new one takes four times as long."""
    context = browser.new_context(base_url=site.url)
    context.set_default_timeout(PATIENCE_MS)
    with context:
        yield context


@pytest.fixture
def fresh_page(kept_browser: BrowserContext) -> Iterator[Page]:
    """A page on a desk in a browser that knows nothing yet."""
    expect.set_options(timeout=PATIENCE_MS)
    page = kept_browser.pages[0] if kept_browser.pages else kept_browser.new_page()
    page.set_viewport_size(DESK)
    page.emulate_media(
        media="null",
        color_scheme="light",
        forced_colors="null",
        **STILL,
    )
    yield page
    page, *others = kept_browser.pages or [kept_browser.new_page()]
    for other in others:
        other.close()
    page.unroute_all(behavior="ignoreErrors")
    kept_browser.clear_permissions()
    _leave(page)
    page.mouse.move(0, 0)
    page.evaluate("localStorage.clear(), sessionStorage.clear()")
    kept_browser.clear_cookies()


def _leave(page: Page) -> None:
    """Go to a page of the same origin whose scripts store nothing."""
    try:
        page.goto("/healthz")
    except Error:
        # What the page itself was about to load came in between; it has no other.
        page.goto("/healthz")


@pytest.fixture
def home(fresh_page: Page, worker: Worker) -> Iterator[Page]:
    """The first page; at the end, nothing may have gone wrong in its console."""
    errors: list[str] = []

    def note_error(error: Error) -> None:
        errors.append(str(error))

    def note_console(said: ConsoleMessage) -> None:
        if counts(said):
            errors.append(said.text)

    fresh_page.on("pageerror", note_error)
    fresh_page.on("console", note_console)
    fresh_page.goto("/")
    yield fresh_page
    fresh_page.remove_listener("pageerror", note_error)
    fresh_page.remove_listener("console", note_console)
    assert not errors


@pytest.fixture
def name() -> str:
    """The name of an account that no earlier test has made."""
    return f"bee-{secrets.token_hex(4)}"


def counts(said: ConsoleMessage) -> bool:
    """htmx and the browser note every request that a test has interrupted."""
    begins = ("htmx:", "Failed to load resource", "Response Status Error Code")
    is_request = said.text.startswith(begins)
    return said.type == "error" and not is_request
