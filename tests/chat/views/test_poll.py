"""Polls: who is answered, how often a page asks, and what an answer costs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from chat.models import Session, User
from chatsite.mailbox import Mailbox, open_mailbox
from tests.chat.conftest import Worker
from tests.chat.pages import delay_ms, known, poll_url, text_of, text_parts
from tests.chat.views.poll_requests import page_of
from tests.dom import dom
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db


@contextmanager
def round_trips(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Counts how often something is sent to Redis, at the socket."""
    from redis.connection import AbstractConnection

    sent: list[int] = []
    send = AbstractConnection.send_packed_command

    def counting(self, command, *args, **kwargs):
        sent.append(1)
        return send(self, command, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(AbstractConnection, "send_packed_command", counting)
        yield sent


def test_a_poll_brings_only_the_new_text(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner, "Tell me")
    worker.announce()
    claim = worker.claim()
    worker.write(claim, "One <b>two</b>")
    page = page_of(tab, reply)
    assert dom(page).one(f"#growth-{reply.pk}").text == "One <b>two</b>"
    # A paragraph is settled once another block begins behind it.
    worker.write(claim, " **three** é\n\nFour\n", len("One <b>two</b>"))
    answer = tab.get(poll_url(page))
    settled, tail = text_parts(answer, reply)
    html = "<p>One &lt;b&gt;two&lt;/b&gt; <strong>three</strong> é</p>"
    assert settled.one("p").html == html
    assert tail.text == "Four"
    length = len("One <b>two</b> **three** é\n\n".encode())
    assert ("r", f"{reply.pk}:1:{length}") in known(answer)
    assert "tokens" in text_of(answer)
    assert answer.headers["Cache-Control"].count("no-store") == 1
    assert f"growth-{reply.pk}" not in text_of(tab.get(poll_url(answer)))
    worker.write(claim, "*five", length + len("Four\n"))
    settled, tail = text_parts(tab.get(poll_url(answer)), reply)
    assert (settled.text, tail.text) == ("", "Four *five")


@pytest.mark.parametrize("is_running", [False, True])
def test_while_a_reply_waits_or_runs_a_poll_costs_no_sql_and_one_trip(
    is_running: bool,
    tab: Client,
    owner: User,
    worker: Worker,
    sent,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    reply = sent(owner)
    worker.announce()
    if is_running:
        worker.write(worker.claim(), "Some text")
    page = page_of(tab, reply)
    with django_assert_num_queries(0), round_trips(monkeypatch) as trips:
        answer = tab.get(poll_url(page))
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert len(trips) == 1


def test_after_logging_out_the_poll_is_refused_and_the_page_sent_home(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    page = page_of(tab, sent(owner))
    url = poll_url(page)
    assert tab.get(url).status_code == 200
    key = tab.cookies[settings.SESSION_COOKIE_NAME].value
    tab.logout()
    tab.cookies[settings.SESSION_COOKIE_NAME] = key
    answer = tab.get(url)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (404, "/?ended=guest")


def test_an_expired_session_is_refused_once_the_mailbox_forgot_it(
    tab: Client, owner: User, box: Mailbox, sent
) -> None:
    url = poll_url(page_of(tab, sent(owner)))
    Session.objects.all().delete()
    box.connection.client.delete(*box.connection.client.keys("who:*"))
    answer = tab.get(url)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (404, "/?ended=guest")


def test_without_a_cookie_the_poll_is_refused(owner: User, box: Mailbox, sent) -> None:
    reply = sent(owner)
    for query in ({"r": f"{reply.pk}:0:0"}, {"c": str(reply.message.conversation_id)}):
        for nobody in ({}, {"nobody": "1"}):
            answer = Client().get("/poll/", query | nobody)
            assert (answer.status_code, answer.headers["HX-Redirect"]) == (
                404,
                "/?ended=guest",
            )


def test_another_persons_reply_or_conversation_is_not_found(
    tab: Client, owner: User, client_of, worker: Worker, sent
) -> None:
    reply = sent(owner, "secret")
    stranger = client_of(User.objects.guest(uuid.uuid4()))
    waiting = stranger.get("/poll/", {"r": f"{reply.pk}:0:0"})
    worker.write(worker.claim(), "a secret answer")
    running = stranger.get("/poll/", {"r": f"{reply.pk}:0:0"})
    open_mailbox().connection.client.flushall()
    unknown = stranger.get("/poll/", {"r": f"{reply.pk}:0:0"})
    conversation = stranger.get("/poll/", {"c": str(reply.message.conversation_id)})
    for answer in (waiting, running, unknown, conversation):
        assert answer.status_code == 404
        assert "secret" not in text_of(answer)


@pytest.mark.parametrize(
    "query",
    [
        {"r": "x"},
        {"r": "1:2:3"},
        {"r": f"{uuid.UUID(int=1)}:-1:0"},
        {"r": f"{uuid.UUID(int=1)}:0:99999999999999999999"},
        {"r": f"{uuid.UUID(int=1)}:²:0"},
        {"r": [f"{uuid.UUID(int=1)}:0:0"] * 101},
        {"c": "../etc"},
        {"leaf": "é"},
        {"h": "\x00"},
        {"d": "fast"},
    ],
)
def test_garbage_is_refused(query: dict[str, object], tab: Client, box) -> None:
    assert tab.get("/poll/", query).status_code == 400


@pytest.mark.parametrize(
    "query",
    [{"r": f"{uuid.UUID(int=1)}:0:0"}, {"c": str(uuid.UUID(int=1))}],
)
def test_what_does_not_exist_is_not_found(query, tab: Client, box) -> None:
    assert tab.get("/poll/", query).status_code == 404


def test_a_reply_that_is_named_many_times_comes_once(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    worker.announce()
    worker.write(worker.claim(), "Some text\n")
    page = [field for field in known(page_of(tab, reply)) if field[0] not in "rt"]
    again = [("r", f"{reply.pk}:1:0")] * 100
    answer = tab.get("/poll/?" + urlencode([*page, *again]))
    assert [name for name, _ in known(answer)].count("r") == 1
    assert text_of(answer).count("Some text") == 1


def test_only_get_is_answered(tab: Client, box) -> None:
    assert tab.post("/poll/").status_code == 405


def test_text_flowing_is_asked_for_soon_and_silence_less_often(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    worker.announce()
    claim = worker.claim()
    page = page_of(tab, reply)
    worker.write(claim, "Some")
    flowing = tab.get(poll_url(page))
    assert delay_ms(flowing) <= 1200 * settings.POLL_SECONDS
    silent = tab.get(poll_url(flowing))
    for _ in range(10):
        silent = tab.get(poll_url(silent))
    assert delay_ms(silent) >= 1600
    worker.finish(claim, "Some")
    idle = tab.get(poll_url(tab.get(poll_url(silent))))
    assert delay_ms(idle) >= 800 * settings.POLL_IDLE_SECONDS


def test_a_visitor_without_a_session_learns_of_the_workers_only(
    box: Mailbox, worker: Worker, db: None
) -> None:
    visitor = Client()
    page = visitor.get("/")
    assert "is offline. You can still send" in text_of(page)
    worker.announce()
    answer = visitor.get(poll_url(page))
    assert ".dot:not(.bad, .off)" in dom(answer)
    assert ("nobody", "1") in known(answer)


def test_a_visitor_whose_session_ended_is_not_sent_in_circles(
    tab: Client, box: Mailbox, worker: Worker
) -> None:
    Session.objects.all().delete()
    page = tab.get("/")
    answer = tab.get(poll_url(page))
    assert answer.status_code == 200
    assert "HX-Redirect" not in answer.headers


def test_without_redis_a_reply_that_has_begun_is_said_to_continue(
    tab: Client, owner: User, worker: Worker, valkey: Valkey, sent
) -> None:
    reply = sent(owner)
    worker.write(worker.claim(), "One")
    page = page_of(tab, reply)
    valkey.stop()
    try:
        answer = tab.get(poll_url(page))
        assert "Connection lost. The reply will continue." in text_of(answer)
    finally:
        valkey.start()
        open_mailbox().connection.forgive()


def test_without_redis_a_poll_answers_from_the_database(
    tab: Client, owner: User, valkey: Valkey, sent, until
) -> None:
    reply = sent(owner)
    page = page_of(tab, reply)
    valkey.stop()
    try:
        answer = tab.get(poll_url(page))
        assert answer.status_code == 200
        assert "Reconnecting" in text_of(answer)
        assert ("r", f"{reply.pk}:0:0") in known(answer)
    finally:
        valkey.start()
        open_mailbox().connection.forgive()
