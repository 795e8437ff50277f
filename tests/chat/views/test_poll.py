from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from chat.models import Reply, Session, User
from chat.services.jobs.stop import stop_reply
from chatsite import wire
from chatsite.mailbox import Mailbox, open_mailbox
from tests.chat.conftest import Worker
from tests.chat.pages import delay_ms, known, poll_url, text_of
from tests.dom import dom
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db


@pytest.fixture
def tab(owner: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(owner)


def page_of(tab: Client, reply: Reply):
    return tab.get(f"/c/{reply.message.conversation_id}/")


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
    assert dom(page).one(f"#text-{reply.pk}").raw_text == "One <b>two</b>"
    worker.write(claim, " three é", len("One <b>two</b>"))
    answer = tab.get(poll_url(page))
    appended = dom(answer).one(f'[hx-swap-oob="beforeend:#text-{reply.pk}"]')
    assert appended.raw_text == " three é"
    assert "two" not in text_of(answer)
    length = len("One <b>two</b> three é".encode())
    assert ("r", f"{reply.pk}:1:{length}") in known(answer)
    assert "Writing" in text_of(answer)
    assert answer.headers["Cache-Control"].count("no-store") == 1


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


def test_only_get_is_answered(tab: Client, box) -> None:
    assert tab.post("/poll/").status_code == 405


def test_the_finished_reply_takes_the_place_of_the_growing_one(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    page = page_of(tab, reply)
    worker.answer("All <said>\n  and done.")
    answer = tab.get(poll_url(page))
    fragment = dom(answer)
    text = fragment.one(f"#reply-{reply.pk}[hx-swap-oob=true] .text.markdown")
    assert (text["dir"], text.text) == ("auto", "All <said> and done.")
    assert "The reply is ready." in fragment.text
    assert not [value for name, value in known(answer) if name == "r"]
    settled = tab.get(poll_url(answer))
    assert "The reply is ready." not in text_of(settled)


def test_a_reply_begun_anew_replaces_its_text(
    tab: Client, owner: User, worker: Worker, box: Mailbox, sent
) -> None:
    reply = sent(owner)
    worker.announce()
    first = worker.claim(lease_seconds=0.001)
    page = page_of(tab, reply)
    worker.write(first, "An older text")
    grown = tab.get(poll_url(page))
    box.hand_back(first.reply, first.token)
    waiting = tab.get(poll_url(grown))
    assert "older text" not in text_of(waiting)
    worker.write(worker.claim(), "Another")
    answer = tab.get(poll_url(waiting))
    replaced = dom(answer).one(f'[hx-swap-oob="innerHTML:#text-{reply.pk}"]')
    assert replaced.raw_text == "Another"


def test_a_reply_published_anew_replaces_its_text(
    tab: Client, owner: User, worker: Worker, box: Mailbox, sent
) -> None:
    reply = sent(owner)
    claim = worker.claim()
    worker.write(claim, "Half of the first text")
    page = page_of(tab, reply)
    box.connection.client.flushall()
    from chat.services.jobs.publish import publish

    fresh = Reply.objects.with_path().get(pk=reply.pk)
    assert fresh.publish_again()
    publish(fresh)
    worker.announce()
    worker.write(worker.claim(), "A whole second text, longer than it")
    answer = tab.get(poll_url(page))
    assert f"innerHTML:#text-{reply.pk}" in text_of(answer)
    assert "A whole second text, longer than it" in text_of(answer)


def test_another_tab_gets_the_messages_it_lacks(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    first = sent(owner, "one")
    worker.answer("1")
    page = page_of(tab, first)
    second = sent(owner, "two", conversation=first.message.conversation)
    answer = tab.get(poll_url(page))
    assert '[hx-swap-oob="beforeend:#messages"]' in dom(answer)
    assert f"#reply-{second.pk}" in dom(answer)
    assert ("leaf", str(second.pk)) in known(answer)
    again = tab.get(poll_url(answer))
    assert "beforeend:#messages" not in text_of(again)


def test_a_page_on_another_path_is_loaded_afresh(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    answer = tab.get(
        "/poll/",
        {"c": str(reply.message.conversation_id), "leaf": str(uuid.uuid4())},
    )
    assert '[hx-swap-oob="innerHTML:#messages"]' in dom(answer)
    assert f"#reply-{reply.pk}" in dom(answer)
    assert dict(known(answer))["leaf"] == str(reply.pk)


def test_a_held_reply_is_shown_as_queued_when_its_turn_comes(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    first = sent(owner, "one")
    second = sent(owner, "two", conversation=first.message.conversation)
    page = page_of(tab, first)
    assert "Next, when this reply is done" in text_of(page)
    assert ("h", str(second.pk)) in known(page)
    worker.answer("1")
    answer = tab.get(poll_url(page))
    assert ("r", f"{second.pk}:0:0") in known(answer)
    assert not [value for name, value in known(answer) if name == "h"]
    assert f"#reply-{second.pk}[hx-swap-oob=true]" in dom(answer)


def test_a_held_reply_stopped_elsewhere_is_shown_as_stopped(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    first = sent(owner, "one")
    second = sent(owner, "two", conversation=first.message.conversation)
    page = page_of(tab, first)
    stop_reply(second)
    answer = tab.get(poll_url(page))
    assert "Stopped before the first word" in text_of(answer)


def test_the_line_tells_how_many_are_ahead(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    worker.announce(free=0)
    sent(User.objects.guest(uuid.uuid4()), "hi")
    page = page_of(tab, sent(owner))
    assert "1ahead of you" in dom(tab.get(poll_url(page))).text


def test_the_line_tells_how_long_it_will_take(
    tab: Client, owner: User, box: Mailbox, sent
) -> None:
    box.announce(
        wire.Announcement(
            *("w", "scripted", "Scripted", wire.Stage.READY),
            rows=4,
            tokens_per_second=10.0,
            tokens_per_reply=120.0,
        )
    )
    page = page_of(tab, sent(owner))
    ticket = dom(tab.get(poll_url(page))).one(".ticket")
    assert "Expected in " in ticket.text


@pytest.mark.parametrize(
    ("stage", "progress", "words"),
    [
        (None, None, "No worker serves"),
        (wire.Stage.LOADING, None, "is loading"),
        (wire.Stage.FETCHING, 0.43, "is being fetched: 43\xa0%"),
    ],
)
def test_a_waiting_reply_says_what_it_waits_for(
    stage, progress, words, tab: Client, owner: User, box: Mailbox, sent
) -> None:
    if stage:
        box.announce(
            wire.Announcement("w", "scripted", "Scripted", stage, progress=progress)
        )
    answer = tab.get(poll_url(page_of(tab, sent(owner))))
    assert words in text_of(answer)


def test_a_stop_asked_for_elsewhere_shows(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    worker.claim()
    page = page_of(tab, reply)
    stop_reply(Reply.objects.with_path().get(pk=reply.pk))
    assert "Stopping…" in text_of(tab.get(poll_url(page)))


@pytest.mark.parametrize("code", list(wire.ErrorCode))
def test_a_failure_says_why_in_words(
    code: wire.ErrorCode, tab: Client, owner: User, worker, box: Mailbox, sent
) -> None:
    reply = sent(owner)
    page = page_of(tab, reply)
    claim = worker.claim()
    ending = wire.Ending(wire.Outcome.FAILED, code, detail="CUDA: 0xdead")
    box.finish((claim.reply, claim.token, 0, "", 0), ending)
    answer = tab.get(poll_url(page))
    text = text_of(answer)
    assert ".note.fail" in dom(answer)
    assert "0xdead" not in text
    assert code.value not in text


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
    assert "No worker serves" in text_of(page)
    worker.announce()
    answer = visitor.get(poll_url(page))
    assert "1 worker" in text_of(answer)
    assert ("nobody", "1") in known(answer)


def test_a_visitor_whose_session_ended_is_not_sent_in_circles(
    tab: Client, box: Mailbox, worker: Worker
) -> None:
    Session.objects.all().delete()
    page = tab.get("/")
    answer = tab.get(poll_url(page))
    assert answer.status_code == 200
    assert "HX-Redirect" not in answer.headers


def test_without_redis_a_poll_answers_from_the_database(
    tab: Client, owner: User, valkey: Valkey, sent, until
) -> None:
    reply = sent(owner)
    page = page_of(tab, reply)
    valkey.stop()
    try:
        answer = tab.get(poll_url(page))
        assert answer.status_code == 200
        assert "Waiting for the queue" in text_of(answer)
        assert ("r", f"{reply.pk}:0:0") in known(answer)
    finally:
        valkey.start()
        open_mailbox().connection.forgive()
