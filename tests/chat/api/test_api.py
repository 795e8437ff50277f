"""The API: services, owners and errors of the pages, as JSON."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from chat.models import Message, Reply, User
from chatsite.mailbox import Mailbox, open_mailbox
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/messages"


def post(client: Client, body: Any, **headers: str) -> HttpResponse:
    raw = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(URL, raw, content_type="application/json", headers=headers)


def path_of(answer: HttpResponse) -> str:
    return str(answer.json()["url"]).removeprefix("http://testserver")


def test_a_message_is_accepted_answered_and_read(box: Mailbox, worker) -> None:
    client = Client()
    answer = post(client, {"text": "Hello"})
    assert answer.status_code == 202
    body = answer.json()
    assert (body["state"], body["place"], body["text"]) == ("queued", 1, "")
    assert answer["Location"] == body["url"]

    claim = worker.claim()
    worker.write(claim, "So far")
    body = client.get(path_of(answer)).json()
    assert (body["state"], body["text"], body["place"]) == ("running", "So far", None)
    assert body["times"]["started"] >= body["times"]["queued"]
    assert body["times"]["finished"] is None

    worker.finish(claim, "So far so good")
    body = client.get(path_of(answer)).json()
    assert (body["state"], body["text"]) == ("done", "So far so good")
    assert all(body["times"].values())


def test_a_conversation_goes_on_and_its_next_message_is_held(box: Mailbox) -> None:
    client = Client()
    first = post(client, {"text": "one"}).json()
    second = post(client, {"text": "two", "conversation": first["conversation"]}).json()
    assert second["conversation"] == first["conversation"]
    assert (second["state"], second["place"]) == ("held", None)


def test_the_same_key_gives_the_same_reply(box: Mailbox) -> None:
    client = Client()
    post(client, {"text": "who am I"})
    first = post(client, {"text": "once"}, Idempotency_Key="k")
    again = post(client, {"text": "once"}, Idempotency_Key="k")
    assert again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    other = post(client, {"text": "other"}, Idempotency_Key="k")
    assert other.status_code == 422
    assert other.json()["code"] == "key_reused"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("not json", 400, "bad_json"),
        ("[]", 400, "bad_json"),
        ("[" * 100_000, 400, "bad_json"),
        ({}, 400, "bad_text"),
        ({"text": 7}, 400, "bad_text"),
        ({"text": " "}, 422, "blank"),
        ({"text": "x" * 8001}, 422, "too_long"),
        ({"text": "x" * 10_000_000}, 413, "too_large"),
        ({"text": "x", "conversation": "nonsense"}, 404, "not_found"),
        ({"text": "x", "conversation": {"a": 1}}, 404, "not_found"),
        ({"text": "x", "conversation": str(uuid.uuid4())}, 404, "not_found"),
    ],
)
def test_every_refusal_has_the_same_shape(
    box: Mailbox, body: Any, status: int, code: str
) -> None:
    answer = post(Client(), body)
    assert answer.status_code == status
    assert answer.json()["code"] == code
    assert answer.json()["detail"]
    assert not Message.objects.exists()


def test_a_refused_message_makes_no_guest(box: Mailbox) -> None:
    post(Client(), {"text": " "})
    assert not User.objects.exists()


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_other_methods_are_refused(method: str) -> None:
    answer = getattr(Client(), method)(URL)
    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"


def test_forms_and_other_sites_are_refused(box: Mailbox, settings: Settings) -> None:
    form = Client().post(URL, {"text": "hello"})
    assert form.status_code == 415
    cross = post(Client(), {"text": "hello"}, Sec_Fetch_Site="cross-site")
    assert cross.status_code == 403
    other = post(Client(), {"text": "hello"}, Origin="https://elsewhere.example")
    assert other.status_code == 403
    settings.CSRF_TRUSTED_ORIGINS = ["https://elsewhere.example", "https://*.a.org"]
    for origin in ("https://elsewhere.example", "https://b.a.org"):
        assert post(Client(), {"text": "hello"}, Origin=origin).status_code == 202
    for origin in ("https://a.org", "http://b.a.org", "https://b.a.org.evil.example"):
        assert post(Client(), {"text": "hello"}, Origin=origin).status_code == 403
    own = post(Client(), {"text": "hello"}, Origin="http://testserver")
    assert own.status_code == 202


def test_another_user_gets_nothing(
    box: Mailbox, worker, client_of: Callable[[User], Client]
) -> None:
    mine = post(Client(), {"text": "secret"})
    worker.write(worker.claim(), "very secret")
    stranger = client_of(User.objects.guest(uuid.uuid4()))
    for answer in (
        stranger.get(path_of(mine)),
        stranger.post(path_of(mine) + "/stop"),
        Client().get(path_of(mine)),
        Client().post(path_of(mine) + "/stop"),
        post(stranger, {"text": "x", "conversation": mine.json()["conversation"]}),
    ):
        assert answer.status_code == 404
        assert b"secret" not in answer.content
    assert Reply.objects.get().stop_requested_at is None


def test_stop_ends_a_waiting_reply_and_flags_a_running_one(
    box: Mailbox, worker
) -> None:
    client = Client()
    waiting = post(client, {"text": "one"})
    assert client.post(path_of(waiting) + "/stop").json()["state"] == "stopped"
    running = post(client, {"text": "two"})
    claim = worker.claim()
    assert client.post(path_of(running) + "/stop").json()["is_stopping"]
    assert worker.write(claim, "text") == "stop"


def test_a_failed_reply_says_why(box: Mailbox, worker) -> None:
    client = Client()
    answer = post(client, {"text": "one"})
    worker.finish(worker.claim(), "half", outcome="failed")
    body = client.get(path_of(answer)).json()
    assert (body["state"], body["text"]) == ("failed", "half")
    assert body["error"]["code"] == "model_error"
    assert "again" in body["error"]["message"]


def test_a_failed_reply_can_be_retried(box: Mailbox, worker) -> None:
    client = Client()
    answer = post(client, {"text": "one"})
    worker.finish(worker.claim(), "half", outcome="failed")
    path = path_of(answer)
    client.get(path)
    again = client.post(f"{path}/retry")
    assert (again.status_code, again.json()["state"]) == (202, "queued")
    assert again.json()["id"] != answer.json()["id"]
    # Harmless to repeat.
    assert client.post(f"{path}/retry").json()["id"] == again.json()["id"]
    worker.answer("whole")
    assert client.get(path_of(again)).json()["text"] == "whole"


def test_a_held_message_can_be_edited_removed_or_released(box: Mailbox, worker) -> None:
    client = Client()
    first = post(client, {"text": "one"})
    where = {"conversation": first.json()["conversation"]}
    second = post(client, {"text": "two", **where})
    third = post(client, {"text": "three", **where})
    assert second.json()["is_paused"] is False
    changed = client.post(
        f"{path_of(second)}/edit",
        json.dumps({"text": "two, but better"}),
        content_type="application/json",
    )
    assert (changed.status_code, changed.json()["state"]) == (200, "held")
    assert client.post(f"{path_of(third)}/remove").json()["removed"] is True
    assert client.get(path_of(third)).status_code == 404

    worker.finish(worker.claim(), "half", outcome="failed")
    client.get(path_of(first))
    assert client.get(path_of(second)).json()["is_paused"] is True
    assert client.post(f"{path_of(second)}/proceed").json()["state"] == "queued"
    assert "two, but better" in worker.claim().request


@pytest.mark.parametrize("call", ["edit", "remove", "proceed"])
def test_changes_to_a_message_that_is_not_held_are_refused(
    box: Mailbox, call: str
) -> None:
    client = Client()
    answer = post(client, {"text": "one"})
    refused = client.post(
        f"{path_of(answer)}/{call}", '{"text": "x"}', content_type="application/json"
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "not_held")


@pytest.mark.parametrize("call", ["stop", "retry", "edit", "remove", "proceed"])
def test_a_user_cannot_change_messages_of_another(box: Mailbox, call: str) -> None:
    answer = post(Client(), {"text": "one"})
    stranger = Client()
    post(stranger, {"text": "mine"})
    refused = stranger.post(
        f"{path_of(answer)}/{call}", '{"text": "x"}', content_type="application/json"
    )
    assert refused.status_code == 404


def test_reading_an_unfinished_reply_costs_no_sql_and_one_round_trip(
    box: Mailbox, valkey: Valkey, worker, owner: User, client_of
) -> None:
    client = client_of(owner)
    path = path_of(post(client, {"text": "hello"}))

    def cost() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queries:
            before = _sent(box)
            assert client.get(path).status_code == 200
            return len(queries), _sent(box) - before

    client.get(path)
    assert cost() == (0, 1)
    worker.write(worker.claim(), "growing")
    assert cost() == (0, 1)

    client.logout()
    assert client.get(path).status_code == 404


def _sent(box: Mailbox) -> int:
    """Count the requests to Redis so far (see the fixture below)."""
    return counter["sent"]


counter = {"sent": 0}


@pytest.fixture(autouse=True)
def _count_round_trips(monkeypatch: pytest.MonkeyPatch) -> None:
    from redis.connection import AbstractConnection

    send = AbstractConnection.send_packed_command

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        counter["sent"] += 1
        return send(self, *args, **kwargs)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", counted)


def test_without_redis_a_message_is_saved_and_waits(valkey: Valkey, worker) -> None:
    client = Client()
    valkey.stop()
    try:
        answer = post(client, {"text": "keep me"})
        assert (answer.status_code, answer.json()["state"]) == (202, "queued")
        assert answer.json()["place"] is None
        assert client.get(path_of(answer)).json()["state"] == "queued"
    finally:
        valkey.start()
        open_mailbox().connection.forgive()
    assert Message.objects.filter(text="keep me").exists()


def test_a_key_beyond_ascii_is_accepted_and_a_bad_key_refused(
    client: Client, box: Mailbox
) -> None:
    key = "clé-ключ-鍵".encode().decode("latin-1")
    first = post(client, {"text": "once"}, Idempotency_Key=key)
    again = post(client, {"text": "once"}, Idempotency_Key=key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    refused = post(client, {"text": "once"}, Idempotency_Key="a\tb")
    error = refused.json()
    assert (refused.status_code, error["code"]) == (422, "bad_key")
    assert "no control characters" in error["detail"]
