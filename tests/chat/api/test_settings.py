"""Settings by the API: those of the caller, and of one conversation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from chat.models import Reply, User
from chatsite.mailbox import Mailbox

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/settings"


@pytest.fixture
def client(box: Mailbox) -> Client:
    return Client()


def put(client: Client, url: str, **body: Any) -> HttpResponse:
    return client.put(url, json.dumps(body), content_type="application/json")


def send(client: Client, **body: Any) -> dict[str, Any]:
    answer = client.post(
        "/api/v1/messages", {"text": "Hello", **body}, content_type="application/json"
    )
    return dict(answer.json())


def test_the_defaults_are_those_of_the_site(client: Client) -> None:
    read = client.get(URL).json()
    assert not any(read["chosen"].values())
    assert read["effective"]["temperature"] == 0.7
    assert not User.objects.exists()


def test_what_is_chosen_is_used_for_the_next_reply(client: Client) -> None:
    chosen = {"temperature": 0.5, "stop": ["END", " ."], "instructions": "Be brief."}
    saved = put(client, URL, **chosen).json()
    assert saved == client.get(URL).json()
    assert {name: saved["chosen"][name] for name in chosen} == chosen
    send(client)
    reply = Reply.objects.get()
    assert reply.instructions == "Be brief."
    assert reply.settings["temperature"] == 0.5
    assert reply.settings["stop"] == ["END", " ."]


def test_those_of_a_conversation_come_before(client: Client) -> None:
    put(client, URL, temperature=0.5, top_k=7)
    url = f"/api/v1/conversations/{send(client)['conversation']}/settings"
    assert put(client, url, temperature=1.5).status_code == 200
    read = client.get(url).json()
    assert read["chosen"]["temperature"] == 1.5
    assert (read["effective"]["temperature"], read["effective"]["top_k"]) == (1.5, 7)
    # What is sent back replaces it as a whole.
    assert (
        put(client, url, **{**read["chosen"], "temperature": None}).status_code == 200
    )
    assert client.get(url).json()["effective"]["temperature"] == 0.5


@pytest.mark.parametrize(
    ("body", "status", "code", "parameter"),
    [
        ({"temperature": 3}, 400, "bad_value", "temperature"),
        ({"temperatur": 1}, 400, "bad_value", "temperatur"),
        ({"top_k": 1.5}, 400, "bad_value", "top_k"),
        ({"stop": ["a\nb"]}, 400, "bad_value", "stop.0"),
        ({"model": "nothing"}, 422, "bad_settings", "model"),
        ({"max_new_tokens": 2**30}, 422, "bad_settings", "max_new_tokens"),
        ({"instructions": "x" * 100_000}, 422, "bad_settings", "instructions"),
    ],
)
def test_a_wrong_value_is_named_and_makes_no_guest(
    client: Client, body: dict[str, Any], status: int, code: str, parameter: str
) -> None:
    refused = put(client, URL, **body)
    said = refused.json()
    assert parameter != "model" or "scripted" in said["detail"]
    assert (refused.status_code, said["code"], said["parameter"]) == (
        status,
        code,
        parameter,
    )
    assert refused["Content-Type"] == "application/problem+json"
    assert not User.objects.exists()


def test_another_site_changes_nothing(client: Client) -> None:
    refused = client.put(
        URL,
        "{}",
        content_type="application/json",
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "cross_site")
