"""Each answer names its request, as do the replies that it asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from chat.models import Reply, User
from chat.services.jobs.request import request_for
from chatsite.logs import JsonFormatter
from chatsite.mailbox import Mailbox
from chatsite.request_context import current_request_id
from tests.chat.middleware.test_proxy_headers import trusted

GIVEN = "Root=1-67891233-abcdef012345678912345678"


def id_of(client: Client, given: str = "") -> str:
    headers = {"X-Request-ID": given} if given else {}
    return str(client.get("/livez", headers=headers)["X-Request-ID"])


def test_every_answer_has_an_id_of_its_own(client: Client) -> None:
    one, other = id_of(client), id_of(client)
    assert len(one) == len(other) == 32
    assert one != other
    assert current_request_id() == ""


def test_a_trusted_proxy_may_name_it(client: Client, settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = trusted("127.0.0.1")
    assert id_of(client, GIVEN) == GIVEN


def test_nobody_else_may_name_it(client: Client, settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = trusted("10.0.0.0/8")
    assert id_of(client, GIVEN) != GIVEN


@pytest.mark.parametrize("given", ["a b", 'a"b', "a,b", "ä", "-a", "x" * 65, "a\tb"])
def test_an_id_that_could_forge_a_log_line_is_replaced(
    client: Client, settings: LazySettings, given: str
) -> None:
    settings.TRUSTED_PROXIES = trusted("127.0.0.1")
    assert len(id_of(client, given)) == 32


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/status", "/status/"])
def test_the_log_line_of_an_error_names_the_request(
    tab: Client,
    path: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An answer that a view made of an error is logged when the request was left."""

    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError

    for module in ("chat.api.site_status", "chat.views.status"):
        monkeypatch.setattr(f"{module}.site_model_statuses", refuse)
    tab.raise_request_exception = False
    answer = tab.get(path)
    assert answer.status_code == 500
    formatter = JsonFormatter("%(message)s")
    lines = [
        json.loads(formatter.format(record))
        for record in caplog.records
        if record.name == "django.request"
    ]
    assert [line.get("request_id") for line in lines] == [answer["X-Request-ID"]]


@pytest.mark.django_db
def test_the_worker_gets_the_id_of_the_request_that_asked(
    tab: Client, owner: User, box: Mailbox
) -> None:
    answer = tab.post(
        "/api/v1/messages",
        {"text": "What do bees make?"},
        content_type="application/json",
        headers={"Idempotency-Key": "a"},
    )
    reply = Reply.objects.get()
    assert reply.request_id == answer["X-Request-ID"]
    assert request_for(reply).request_id == reply.request_id
