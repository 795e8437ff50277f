"""What a person sees when the server, the queue, a worker or their cookies are gone."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Page, Route, expect

from chatsite import wire
from chatsite.mailbox import open_mailbox
from tests.browser.conftest import Site, Worker
from tests.browser.user_actions import answered, begin, box_of, growing, say
from tests.cookie_names import SESSION
from tests.valkey import Valkey


def test_a_server_that_is_gone_loses_nothing(
    home: Page, worker: Worker, site: Site
) -> None:
    begin(home, "one")
    claim = worker.claim()
    worker.write(claim, "The beginning")
    expect(growing(home)).to_have_text("The beginning")
    site.web.terminate()
    try:
        say(home, "two")
        expect(home.locator("#refusal")).to_contain_text("can’t be reached")
        expect(box_of(home)).to_have_value("two")
        expect(home.locator("#connection-lost")).to_be_visible()
        worker.write(claim, " and the middle")
    finally:
        site.start_web()
        site.wait()
    expect(growing(home)).to_have_text("The beginning and the middle")
    expect(home.locator("#connection-lost")).to_be_hidden()
    home.keyboard.press("Enter")
    expect(home.locator(".message .text").last).to_have_text("two")
    worker.finish(claim)
    expect(home.locator(".reply.done")).to_have_count(1)


def test_a_server_that_is_gone_is_asked_less_and_less_often(home: Page) -> None:
    asked: list[float] = []

    def refuse(route: Route) -> None:
        asked.append(time.monotonic())
        route.abort()

    home.route("**/poll/**", refuse)
    while len(asked) < 3:
        home.wait_for_timeout(100)
    assert asked[2] - asked[1] > 1.5  # modules/test_poller.js knows how it goes on
    expect(home.locator("#connection-lost")).to_be_visible()


def test_without_redis_prompts_are_kept_and_answered_later(
    home: Page, worker: Worker, valkey: Valkey
) -> None:
    answered(home, worker, "one", "1")
    valkey.stop()
    try:
        say(home, "two")
        expect(home.locator(".message .text").last).to_have_text("two")
        expect(home.locator(".pending")).to_contain_text("Saved. Reconnecting…")
        expect(home.locator("#chip")).to_contain_text("queue offline")
    finally:
        valkey.start()
        open_mailbox().connection.forgive()
    worker.announce()
    worker.finish(worker.claim(), "2")
    expect(home.locator(".reply.done .text")).to_have_text(["1", "2"])


def test_a_worker_that_comes_takes_up_what_waits(home: Page, worker: Worker) -> None:
    told = worker.announce()
    worker.leave(told)
    begin(home, "Is anybody there?")
    expect(home.locator(".pending .note")).to_contain_text(
        "Scripted replies is offline."
    )
    expect(home.locator("#chip")).to_contain_text("offline")
    worker.announce(wire.Stage.FETCHING, progress=0.43)
    expect(home.locator(".ticket")).to_contain_text("Downloading Scripted replies: 43%")
    worker.announce()
    worker.finish(worker.claim(), "Yes.")
    expect(home.locator(".reply.done .text")).to_have_text("Yes.")


def test_a_lost_worker_is_replaced_and_the_text_begins_anew(
    home: Page, worker: Worker
) -> None:
    begin(home, "one")
    first = worker.claim()
    worker.write(first, "A first try")
    expect(growing(home)).to_have_text("A first try")
    open_mailbox().hand_back(first.reply, first.token)
    second = worker.claim()
    worker.write(second, "Another")
    expect(growing(home)).to_have_text("Another")
    worker.finish(second)
    expect(home.locator(".reply.done .text")).to_have_text("Another")


def test_a_failure_is_explained(home: Page, worker: Worker) -> None:
    begin(home, "one")
    worker.finish(
        worker.claim(), "Half", wire.Outcome.FAILED, wire.ErrorCode.MODEL_ERROR
    )
    expect(home.locator(".reply.failed .note")).to_contain_text("hit an error")
    expect(home.locator(".reply.failed .text")).to_have_text("Half")


def test_a_guest_whose_session_is_gone_goes_on_with_what_they_typed(
    home: Page, worker: Worker
) -> None:
    begin(home, "one")
    claim = worker.claim()
    worker.write(claim, "Some text")
    expect(growing(home)).to_have_text("Some text")
    box_of(home).fill("half a thought")
    home.context.clear_cookies(name=SESSION)
    worker.write(claim, " and more")
    expect(growing(home)).to_have_text("Some text and more")
    expect(box_of(home)).to_have_value("half a thought")
    worker.finish(claim)
    expect(home.locator(".reply.done")).to_be_visible()
    home.keyboard.press("Enter")
    expect(home.locator(".message .text").last).to_have_text("half a thought")
    expect(home.locator(".message:not(.sending)")).to_have_count(2)


def test_a_guest_whose_cookies_are_all_gone_keeps_what_they_typed(
    home: Page, worker: Worker
) -> None:
    begin(home, "one")
    box_of(home).fill("half a thought")
    home.context.clear_cookies()
    home.wait_for_url(re.compile(r"/\?ended=guest$"))
    expect(home.get_by_text("lost the cookie that opens your")).to_be_visible()
    expect(box_of(home)).to_have_value("half a thought")
    begin(home, "half a thought")
