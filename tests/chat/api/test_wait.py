"""``?wait=`` on a reply: the answer comes when there is something to say."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client

from chat.services.live.hub import hub
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.api.test_api import path_of, post

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent(box: Mailbox) -> tuple[Client, str]:
    client = Client()
    return client, path_of(post(client, {"text": "Hello"}))


def _get(sent: tuple[Client, str], wait: str, tag: str = "") -> HttpResponse:
    client, path = sent
    headers = {"If-None-Match": tag} if tag else {}
    return client.get(f"{path}?wait={wait}", headers=headers)


def test_it_waits_for_the_end(sent, worker, meanwhile) -> None:
    answered = meanwhile(lambda: worker.answer("Here I am"))
    answer = _get(sent, "40")
    answered.result()
    assert (answer.json()["state"], answer.json()["text"]) == ("done", "Here I am")
    assert not len(hub())


def test_it_waits_no_longer_than_asked_or_allowed(sent, settings) -> None:
    assert _get(sent, "0.2").json()["state"] == "queued"
    settings.LONG_POLL_SECONDS = 0.2
    assert _get(sent, "4000").json()["state"] == "queued"
    assert not len(hub())


def test_a_reply_that_has_ended_is_answered_at_once(sent, worker) -> None:
    worker.answer("Here I am")
    assert _get(sent, "40").json()["state"] == "done"


def test_with_a_tag_it_waits_for_any_change(sent, worker, meanwhile) -> None:
    first = _get(sent, "0")
    assert _get(sent, "0", first["ETag"]).status_code == 304
    claimed = meanwhile(worker.claim)
    second = _get(sent, "40", first["ETag"])
    assert second.json()["state"] == "running"
    written = meanwhile(lambda: worker.write(claimed.result(), "So far"))
    third = _get(sent, "40", second["ETag"])
    written.result()
    assert third.json()["text"] == "So far"
    # What has changed already is not waited for.
    assert _get(sent, "40", first["ETag"]).json()["text"] == "So far"
    assert _get(sent, "0.2", third["ETag"]).status_code == 304


@pytest.mark.parametrize("wait", ["x", "-1", "nan", ""])
def test_a_time_that_is_none_is_refused(sent, wait: str) -> None:
    answer = _get(sent, wait)
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_wait"


def test_another_owner_waits_for_nothing(sent) -> None:
    client = Client()
    post(client, {"text": "mine"})
    assert _get((client, sent[1]), "40").status_code == 404


def test_a_reply_in_the_queue_tells_when_it_will_start(
    sent: tuple[Client, str], box: Mailbox
) -> None:
    """What is expected may change at any time, and is nothing to wait for."""
    first = _get(sent, "0")
    assert first.json()["expected_wait"] is None
    announced = wire.Announcement(
        worker="w",
        model="scripted",
        label="Scripted",
        stage=wire.Stage.READY,
        rows=1,
        tokens_per_second=10.0,
        tokens_per_reply=100.0,
    )
    box.announce(announced)
    second = _get(sent, "0")
    wait = second.json()["expected_wait"]
    assert 0 < wait["low"] < 10 < wait["high"]
    assert second["ETag"] == first["ETag"]
    client, _ = sent
    third = client.get(path_of(post(client, {"text": "One more"})))
    assert third.json()["expected_wait"]["low"] > wait["low"]
    assert third.json()["expected_wait"]["high"] is None
