"""Notices while no page is open: from the settings page to a click on the notice.

No push service can be reached here, so the two calls of the browser that ask one are
replaced, and what the site sent is given to the browser by its own debugger.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page, Playwright, expect

from chat.services.notifications.vapid import new_private_key
from chatsite import wire
from chatsite.mailbox import Mailbox
from launch.env.chromium import whole_browser
from tests.browser.conftest import (
    ARGUMENTS,
    DATABASE,
    PATIENCE_MS,
    Site,
    served_beside,
)
from tests.browser.user_actions import becomes_true, begin
from tests.chat.services.notifications.browser_keys import BrowserKeys
from tests.chat.services.outgoing.receiver import Receiver, receiving
from tests.environment import FOLDER, SOCKET
from tests.processes import Program

#: Another database of the same server: the keeper of the other tests knows no keys.
REDIS_URL = f"unix://{SOCKET}?db=2"
LABEL = "Notify me when a reply is ready"
#: What the push service of a browser would do: the subscription outlives the page.
PUSH_MANAGER = """(made) => {
  const read = () => JSON.parse(localStorage.getItem("made") ?? "null");
  const dressed = (one) => one && {
    endpoint: one.endpoint,
    options: { applicationServerKey: Uint8Array.from(one.key).buffer },
    toJSON: () => ({ endpoint: one.endpoint, keys: one.keys }),
    unsubscribe: async () => (localStorage.removeItem("made"), true),
  };
  PushManager.prototype.getSubscription = async () => dressed(read());
  PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
    if (!userVisibleOnly || !made) throw new DOMException("refused", "AbortError");
    localStorage.setItem("made", JSON.stringify({ ...made, key: [...applicationServerKey] }));
    return dressed(read());
  };
}"""
NOTICES = """async () => {
  const worker = await navigator.serviceWorker.getRegistration();
  return (await worker?.getNotifications() ?? []).map(
    ({ title, body, tag }) => [title, body, tag]);
}"""

#: A click on every notice that is shown: which windows the worker then opens.
CLICK = """async () => {
  const opened = [];
  Clients.prototype.openWindow = async (url) => opened.push(url);
  for (const notification of await registration.getNotifications()) {
    const click = new NotificationEvent("notificationclick", { notification });
    const done = [];
    click.waitUntil = (promise) => done.push(promise);
    self.dispatchEvent(click);
    await Promise.all(done);
  }
  return opened;
}"""

#: Of a log-in, what the scripts of a page see.
LOG_IN = """() => {
  document.cookie = `${document.body.dataset.tokenCookie}=${"n".repeat(32)}; Path=/`;
}"""


@pytest.fixture(scope="module")
def push_service() -> Iterator[Receiver]:
    with receiving() as service:
        service.status = 201
        yield service


@pytest.fixture(scope="module")
def pushing(site: Site, push_service: Receiver) -> Iterator[Site]:
    """A site with keys, and its keeper."""
    copy = FOLDER / "push.sqlite3"
    with (
        closing(sqlite3.connect(DATABASE)) as here,
        closing(sqlite3.connect(copy)) as it,
    ):
        here.backup(it)
    settings = {
        "DATABASE_URL": f"sqlite:///{copy}",
        "REDIS_URL": REDIS_URL,
        "VAPID_PRIVATE_KEY": new_private_key(),
        "VAPID_CONTACT": "mailto:a@example.org",
        "PUSH_PRIVATE_NETWORKS": "127.0.0.1",
        "NOTICE_DELAY_SECONDS": "0",
        "SWEEP_SECONDS": "0.2",
    }
    with (
        served_beside(site, **settings) as served,
        Program("manage.py", "keeper", **served.environment),
    ):
        yield served


def answer(box: Mailbox, until: Callable[..., None]) -> None:
    """Play a worker that answers the message that waits."""
    until(lambda: box.first_in_line("scripted", 1))
    claim = box.claim("scripted", "w", 60)
    assert claim is not None
    ending = wire.Ending(wire.Outcome.DONE, None, prompt_tokens=5, new_tokens=2)
    box.finish((claim.reply, claim.token, 0, "They flap.", 2), ending)


@pytest.fixture
def opened(playwright: Playwright, pushing: Site) -> Iterator[Callable[..., Page]]:
    """Opens browsers that may notify, which headless shells never do."""
    path = whole_browser()
    if path is None:
        pytest.skip("NO WHOLE BROWSER: install Chromium or run `make browser`")
    browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)

    def open_one(made: dict[str, Any] | None, *permissions: str) -> Page:
        context = browser.new_context(base_url=pushing.url, permissions=permissions)
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(f"({PUSH_MANAGER})({json.dumps(made)})")
        return context.new_page()

    expect.set_options(timeout=PATIENCE_MS)
    with browser:
        yield open_one


def registration(cdp: CDPSession, page: Page) -> str:
    """The id of the service worker of the page, once it is there."""
    found: list[str] = []

    def note(event: dict[str, Any]) -> None:
        found.extend(one["registrationId"] for one in event["registrations"])

    cdp.on("ServiceWorker.workerRegistrationUpdated", note)
    cdp.send("ServiceWorker.enable")
    while not found:
        page.wait_for_timeout(20)
    return found[-1]


def subscribe(page: Page) -> None:
    """Ask for notices on the settings page; the server is told."""
    page.goto("/settings/")
    expect(page.get_by_text("Also when this page is closed.")).to_be_visible()
    with page.expect_response("**/settings/push/") as told:
        page.get_by_label(LABEL).check()
    assert told.value.status == 204


def check_shown_and_clicked(
    page: Page, notice: dict[str, str], site: str, shown: list[str]
) -> None:
    """Deliver a notice: no page shows it twice, and a click opens its conversation."""
    page.goto("/healthz")
    cdp = page.context.new_cdp_session(page)
    worker = {"origin": site, "registrationId": registration(cdp, page)}
    push = {**worker, "data": json.dumps(notice)}
    # A page in front of a person shows it itself.
    cdp.send("ServiceWorker.deliverPushMessage", push)
    assert page.evaluate(NOTICES) == []
    page.goto("about:blank")
    for _ in range(2):  # the second takes the place of the first
        cdp.send("ServiceWorker.deliverPushMessage", push)
    page.goto("/healthz")
    becomes_true(page, f"async () => (await ({NOTICES})()).length === 1")
    assert page.evaluate(NOTICES) == [shown]
    [script] = page.context.service_workers
    assert script.evaluate(CLICK) == [site + notice["url"]]
    assert page.evaluate(NOTICES) == []


def check_renewed(page: Page) -> None:
    """A log-in has ended the session with its subscription, and brings a new token."""
    page.goto("/")
    page.evaluate(LOG_IN)
    with page.expect_response("**/settings/push/") as told:
        page.goto("/")
    assert told.value.status == 204


def check_unsubscribed(page: Page) -> None:
    """Switched off, the site forgets the browser."""
    page.goto("/settings/")
    with page.expect_response("**/settings/push/remove/"):
        page.get_by_label(LABEL).uncheck()
    becomes_true(page, "() => localStorage.getItem('made') === null")
    page.reload()
    expect(page.get_by_label(LABEL)).not_to_be_checked()


def test_a_closed_page_is_told_and_a_click_opens_the_conversation(
    pushing: Site,
    push_service: Receiver,
    opened: Callable[..., Page],
    until: Callable[..., None],
) -> None:
    keys, box = BrowserKeys(), Mailbox(REDIS_URL)
    box.announce(wire.Announcement("w", "scripted", "Scripted", wire.Stage.READY))
    made = {
        "endpoint": f"{push_service.address}/send/1",
        "keys": {"p256dh": keys.p256dh, "auth": keys.auth},
    }
    page = opened(made, "notifications")
    subscribe(page)
    page.goto("/")
    begin(page, "How do bees fly?")
    path = page.evaluate("location.pathname")
    page.goto("about:blank")
    answer(box, until)
    until(lambda: push_service.received, 40)
    notice = keys.notice(push_service.last.body)
    assert notice["url"] == path
    shown = ["The reply is ready.", "How do bees fly?", path]
    check_shown_and_clicked(page, notice, pushing.url, shown)
    check_renewed(page)
    check_unsubscribed(page)


def test_what_the_browser_refuses_is_said(opened: Callable[..., Page]) -> None:
    page = opened(None, "notifications")
    page.goto("/settings/")
    page.get_by_label(LABEL).check()
    expect(page.get_by_text("could not be set up in this browser")).to_be_visible()
    expect(page.get_by_text("Also when this page is closed.")).to_be_hidden()
    blocked = opened(None)
    blocked.add_init_script("Notification.requestPermission = async () => 'denied'")
    blocked.goto("/settings/")
    blocked.get_by_label(LABEL).click()
    expect(blocked.get_by_text("blocked in your browser settings")).to_be_visible()
    expect(blocked.get_by_label(LABEL)).not_to_be_checked()
