"""Webhooks through the API: made, read, changed, tried and deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from chat.accounts.api_keys import make_key
from chat.models import User, WebhookEndpoint

pytestmark = pytest.mark.django_db

ADDRESS = "https://hooks.example/chat"
URL = "/api/v1/webhooks"


class WebhookProgram:
    """A program of an account with a key that may do everything."""

    def __init__(self) -> None:
        self.owner = User.objects.create_user("bee", None)
        self.key, secret = make_key(self.owner, "a program", can_read_history=True)
        self._headers = {"Authorization": f"Bearer {secret}"}

    def __call__(
        self, method: str, path: str = URL, body: Any = None, once: str = ""
    ) -> HttpResponse:
        headers = self._headers | ({"Idempotency-Key": once} if once else {})
        content = "" if body is None else json.dumps(body)
        kind = "application/json"
        return Client().generic(method, path, content, kind, headers=headers)


@pytest.fixture
def program() -> WebhookProgram:
    return WebhookProgram()


def test_a_webhook_is_made_once_and_shows_its_secret_once(
    program: WebhookProgram,
) -> None:
    body = {"address": ADDRESS, "events": ["reply.failed"], "description": "My hook"}
    first = program("POST", body=body, once="k1")
    made = first.json()
    assert (first.status_code, first["Location"]) == (201, made["url"])
    endpoint = WebhookEndpoint.objects.get()
    assert made["secret"] == endpoint.secret
    assert (endpoint.url, endpoint.events) == (ADDRESS, ["reply.failed"])
    assert program("POST", body=body, once="k1").json() == made
    other = program("POST", body={"address": ADDRESS}, once="k1")
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert WebhookEndpoint.objects.count() == 1
    [listed] = program("GET").json()["webhooks"]
    assert listed == {name: one for name, one in made.items() if name != "secret"}
    assert program("GET", made["url"]).json() == listed


def test_it_is_changed_tried_switched_and_deleted(program: WebhookProgram) -> None:
    made = program("POST", body={"address": ADDRESS}).json()
    body = {"address": f"{ADDRESS}2", "api_key": str(program.key.pk)}
    changed = program("PUT", made["url"], body).json()
    assert (changed["address"], changed["api_key"]) == (
        body["address"],
        body["api_key"],
    )
    assert WebhookEndpoint.objects.get().secret == made["secret"]
    assert program("POST", f"{made['url']}/test").status_code == 202
    [delivery] = program("GET", made["deliveries_url"]).json()["deliveries"]
    assert (delivery["type"], delivery["state"]) == ("webhook.test", "waiting")
    retried = program("POST", f"/api/v1/deliveries/{delivery['id']}/retry")
    assert (retried.status_code, retried.json()["id"]) == (202, delivery["id"])
    off = program("POST", f"{made['url']}/disable").json()
    assert (off["is_enabled"], off["disabled_reason"]) == (False, "owner")
    assert program("POST", f"{made['url']}/enable").json()["is_enabled"]
    assert program("POST", f"{made['url']}/delete").json()["deleted"]
    assert program("GET", made["url"]).status_code == 404
    assert program("GET").json() == {"webhooks": []}


def test_a_new_secret_is_the_same_if_the_call_is_repeated(
    program: WebhookProgram,
) -> None:
    """Otherwise the secret that receivers know would no longer sign."""
    made = program("POST", body={"address": ADDRESS}).json()
    new = program("POST", f"{made['url']}/secret", once="k").json()["secret"]
    assert program("POST", f"{made['url']}/secret", once="k").json()["secret"] == new
    signing = WebhookEndpoint.objects.get().secrets(timezone.now())
    assert signing == [new, made["secret"]]
    assert program("POST", f"{made['url']}/secret").json()["secret"] != new


def test_a_late_repetition_does_not_bring_back_an_old_secret(
    program: WebhookProgram,
) -> None:
    made = program("POST", body={"address": ADDRESS}).json()
    secrets = [
        program("POST", f"{made['url']}/secret", once=once).json()["secret"]
        for once in ("s1", "s2", "s3", "s1", "s2")
    ]
    assert len(set(secrets[:3])) == 3
    assert secrets[3:] == [secrets[2]] * 2
    signing = WebhookEndpoint.objects.get().secrets(timezone.now())
    assert signing == [secrets[2], secrets[1]]


def test_each_event_is_kept_once(program: WebhookProgram) -> None:
    body = {"address": ADDRESS, "events": ["reply.done"] * 5}
    assert program("POST", body=body).json()["events"] == ["reply.done"]


@pytest.mark.parametrize(
    ("body", "status", "code", "parameter"),
    [
        ({}, 400, "bad_value", "address"),
        ({"address": ADDRESS, "events": ["other"]}, 400, "bad_value", "events.0"),
        ({"address": ADDRESS, "events": ["webhook.test"]}, 422, None, "events"),
        ({"address": "ftp://x"}, 422, "bad_webhook", "address"),
        ({"address": "https://127.0.0.1/"}, 422, "bad_webhook", "address"),
        (
            {"address": ADDRESS, "api_key": "00000000-0000-4000-8000-000000000000"},
            *(422, "bad_webhook", "api_key"),
        ),
    ],
)
def test_what_cannot_be_is_named(
    program: WebhookProgram,
    body: dict[str, Any],
    status: int,
    code: str | None,
    parameter: str,
) -> None:
    refused = program("POST", body=body)
    said = refused.json()
    assert (refused.status_code, said["parameter"]) == (status, parameter)
    assert said["code"] == (code or "bad_webhook")
    assert not WebhookEndpoint.objects.exists()


def test_no_more_than_an_account_may_have(
    program: WebhookProgram, settings: Settings
) -> None:
    settings.WEBHOOKS_MAX = 0
    refused = program("POST", body={"address": ADDRESS})
    assert refused.json()["code"] == "too_many_webhooks"


def test_guests_have_none(client: Client, db: None) -> None:
    refused = client.get(URL)
    assert (refused.status_code, refused.json()["code"]) == (403, "account_needed")
