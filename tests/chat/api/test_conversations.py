"""Conversations, messages and versions by the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat.models import User
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1"


def call(client: Client, path: str, **body: Any) -> HttpResponse:
    """POST a body as JSON."""
    path = path if path.startswith("http") else f"{API}{path}"
    return client.post(path, json.dumps(body), content_type="application/json")


@pytest.fixture
def client(box: Mailbox) -> Client:
    return Client()


@pytest.fixture
def answered(client: Client, worker: Worker) -> dict[str, Any]:
    sent = call(client, "/messages", text="Which bird is this?").json()
    worker.answer("A heron")
    return dict(client.get(sent["url"]).json(), conversation=sent["conversation"])


def talk_of(client: Client, worker: Worker, count: int) -> str:
    """Messages with their replies in one conversation, whose id is returned."""
    talk: dict[str, str] = {}
    for number in range(count):
        sent = call(client, "/messages", text=str(number), **talk).json()
        worker.answer(f"answer {number}")
        assert client.get(sent["url"]).json()["state"] == "done"
        talk = {"conversation": sent["conversation"]}
    return talk["conversation"]


def test_conversations_are_listed_in_pages_newest_first(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.services.conversation_list.PART", 2)
    for title in "abc":
        assert call(client, "/conversations", title=title).status_code == 201
    first = client.get(f"{API}/conversations").json()
    assert [one["title"] for one in first["conversations"]] == ["c", "b"]
    second = client.get(first["next"]).json()
    assert [one["title"] for one in second["conversations"]] == ["a"]
    assert second["next"] is None


def test_a_conversation_that_was_made_takes_messages(client: Client) -> None:
    made = call(client, "/conversations", title="  Birds\n of the lake")
    assert made["Location"] == made.json()["url"]
    talk = client.get(made.json()["url"]).json()
    assert (talk["title"], talk) == ("Birds of the lake", made.json())
    sent = call(client, "/messages", text="Which?", conversation=talk["id"])
    assert sent.json()["conversation"] == talk["id"]
    (reply, message) = client.get(talk["messages_url"]).json()["messages"]
    assert (message["text"], message["role"]) == ("Which?", "user")
    assert reply["reply"]["state"] == "queued"


def test_a_key_makes_one_conversation(client: Client) -> None:
    call(client, "/messages", text="who am I")
    body = json.dumps({"title": "Once"})
    made = [
        client.post(
            f"{API}/conversations",
            body,
            content_type="application/json",
            headers={"Idempotency-Key": "k"},
        ).json()
        for _ in range(2)
    ]
    assert made[0]["id"] == made[1]["id"]
    assert call(client, f"/conversations/{made[0]['id']}/delete").status_code == 200
    again = client.post(
        f"{API}/conversations",
        body,
        content_type="application/json",
        headers={"Idempotency-Key": "k"},
    )
    assert (again.status_code, again.json()["code"]) == (422, "deleted")


def test_conversations_without_messages_are_bounded(client: Client, settings) -> None:
    settings.EMPTY_CONVERSATIONS_MAX = 1
    made = call(client, "/conversations", title="One").json()
    refused = call(client, "/conversations", title="Two")
    assert (refused.status_code, refused.json()["code"]) == (422, "too_many_empty")
    call(client, f"/conversations/{made['id']}/delete")
    assert call(client, "/conversations", title="Two").status_code == 422
    call(client, f"/conversations/{made['id']}/restore")
    call(client, "/messages", text="Hello", conversation=made["id"])
    assert call(client, "/conversations", title="Two").status_code == 201


def test_a_refused_conversation_makes_no_guest(client: Client) -> None:
    assert call(client, "/conversations", title=" ").json()["code"] == "blank_title"
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/messages", {"text": "Hello", "title": "x"}),
        ("/messages", {"text": "Hello", "conversations": "x"}),
        ("/messages/{id}/versions", {"text": "Hello", "count": 2}),
        ("/replies/{id}/versions", {"count": 1, "text": "x"}),
        ("/conversations", {"title": "Two", "model": "gpt2"}),
        ("/conversations/{conversation}/rename", {"title": "Two", "text": ""}),
    ],
)
def test_a_member_that_a_call_does_not_know_is_refused_by_its_name(
    client: Client, answered: dict[str, Any], path: str, body: dict[str, Any]
) -> None:
    refused = call(client, path.format(**answered), **body)
    name = list(body)[-1]
    said = refused.json()
    assert (refused.status_code, said["code"], said["parameter"]) == (
        400,
        "bad_value",
        name,
    )
    assert said["detail"] == f"{name} is not known here. Leave it out."


def test_messages_are_listed_in_pages_newest_first(
    client: Client, worker: Worker, settings
) -> None:
    settings.MESSAGES_SHOWN = 2
    talk = talk_of(client, worker, 3)
    url, texts = f"{API}/conversations/{talk}/messages", []
    while url:
        page = client.get(url).json()
        texts.append([one["text"] for one in page["messages"]])
        url = page["next"]
    assert texts == [["answer 2", "2"], ["answer 1", "1"], ["answer 0", "0"]]


@pytest.mark.parametrize("cursor", ["x", "9" * 40, "1-x"])
@pytest.mark.parametrize("what", ["conversations", "messages", "versions"])
def test_a_cursor_that_was_changed_is_refused(
    client: Client, answered: dict[str, Any], what: str, cursor: str
) -> None:
    path = {
        "conversations": "/conversations",
        "messages": f"/conversations/{answered['conversation']}/messages",
        "versions": f"/messages/{answered['id']}/versions",
    }[what]
    refused = client.get(f"{API}{path}?cursor={cursor}")
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_cursor")


def test_a_growing_reply_is_read_in_the_list_of_messages(
    client: Client, worker: Worker
) -> None:
    talk = call(client, "/messages", text="Which?").json()["conversation"]
    worker.write(worker.claim(), "So far")
    (reply, _) = client.get(f"{API}/conversations/{talk}/messages").json()["messages"]
    assert (reply["text"], reply["reply"]["state"]) == ("So far", "running")


def test_other_versions_of_a_reply_are_made_listed_and_chosen(
    client: Client, worker: Worker, answered: dict[str, Any]
) -> None:
    first = answered["id"]
    for path in ("versions", "repeat"):
        made = call(client, f"/replies/{first}/{path}")
        assert (made.status_code, made.json()["state"]) == (202, "queued")
        worker.answer(f"by {path}")
        assert client.get(made["Location"]).json()["text"] == f"by {path}"
    listed = client.get(f"{API}/messages/{first}/versions").json()["messages"]
    assert [one["text"] for one in listed] == ["by repeat", "by versions", "A heron"]
    assert listed[0]["versions"] == [one["id"] for one in listed[::-1]]
    messages = f"{API}/conversations/{answered['conversation']}/messages"
    assert client.get(messages).json()["messages"][0]["text"] == "by repeat"
    assert call(client, f"/messages/{first}/choose").json()["text"] == "A heron"
    assert client.get(messages).json()["messages"][0]["text"] == "A heron"


def test_several_versions_are_made_at_once_up_to_the_limit(
    client: Client, answered: dict[str, Any], settings
) -> None:
    path = f"/replies/{answered['id']}/versions"
    most = settings.VERSIONS_AT_ONCE_MAX
    refused = call(client, path, count=most + 1)
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_count")
    assert call(client, path, count=0).json()["parameter"] == "count"
    call(client, path, count=most)
    listed = client.get(f"{API}/messages/{answered['id']}/versions").json()
    assert len(listed["messages"]) == most + 1


def test_a_reply_that_was_cut_off_is_resumed(client: Client, worker: Worker) -> None:
    sent = call(client, "/messages", text="Which?").json()
    worker.finish(worker.claim(), "A her", is_length_limited=True)
    assert client.get(sent["url"]).json()["is_length_limited"]
    resumed = call(client, f"/replies/{sent['id']}/resume").json()
    assert (resumed["state"], resumed["id"] != sent["id"]) == ("queued", True)


def test_another_version_of_a_message_is_sent(
    client: Client, answered: dict[str, Any]
) -> None:
    (_, old) = client.get(
        f"{API}/conversations/{answered['conversation']}/messages"
    ).json()["messages"]
    sent = call(client, f"/messages/{old['id']}/versions", text="And this?")
    assert sent.json()["conversation"] == answered["conversation"]
    shown = client.get(f"{API}/messages/{old['id']}/versions").json()["messages"]
    assert [one["text"] for one in shown] == ["And this?", old["text"]]
    # A reply is written by the model alone.
    refused = call(client, f"/messages/{answered['id']}/versions", text="Mine")
    assert refused.status_code == 404


def test_reading_many_messages_costs_as_many_queries_as_reading_few(
    client: Client, worker: Worker
) -> None:
    costs = []
    for count in (1, 4):
        talk = talk_of(client, worker, count)
        with CaptureQueriesContext(connection) as queries:
            client.get(f"{API}/conversations/{talk}/messages")
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_conversations_are_pinned_and_archived(client: Client) -> None:
    made = {t: call(client, "/conversations", title=t).json()["id"] for t in "abc"}
    pinned = call(client, f"/conversations/{made['a']}/pin")
    assert pinned.json() == {"id": made["a"], "pinned": True, "archived": False}
    away = call(client, f"/conversations/{made['c']}/archive")
    assert away.json() == {"id": made["c"], "pinned": False, "archived": True}
    listed = client.get(f"{API}/conversations").json()["conversations"]
    assert [(one["title"], one["pinned"]) for one in listed] == [
        ("a", True),
        ("b", False),
    ]
    kept = client.get(f"{API}/conversations?archived=true").json()["conversations"]
    assert [(one["title"], one["archived"]) for one in kept] == [("c", True)]
    call(client, f"/conversations/{made['a']}/unpin")
    call(client, f"/conversations/{made['c']}/unarchive")
    listed = client.get(f"{API}/conversations").json()["conversations"]
    assert [one["title"] for one in listed] == ["c", "b", "a"]
    assert client.get(f"{API}/conversations?archived=maybe").status_code == 400


def test_the_archive_is_listed_in_pages(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.services.conversation_list.PART", 1)
    for title in "ab":
        made = call(client, "/conversations", title=title).json()["id"]
        call(client, f"/conversations/{made}/archive")
    first = client.get(f"{API}/conversations?archived=true").json()
    second = client.get(first["next"]).json()
    titles = [one["title"] for one in first["conversations"] + second["conversations"]]
    assert (titles, second["next"]) == (["b", "a"], None)


def test_a_message_through_the_api_brings_it_back(client: Client) -> None:
    talk = call(client, "/conversations", title="Birds").json()["id"]
    call(client, f"/conversations/{talk}/archive")
    call(client, "/messages", text="Which?", conversation=talk)
    assert client.get(f"{API}/conversations/{talk}").json()["archived"] is False
