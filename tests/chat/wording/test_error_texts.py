"""Every sentence of a refusal or an error is translated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from chat.http import api_errors
from chat.models import Reply, User
from chat.services.jobs.collect import collect
from chat.services.jobs.stop import stop_reply
from chatsite.mailbox import Mailbox, open_mailbox
from tests.chat.conftest import Worker
from tests.chat.pages import poll_url
from tests.chat.wording.pseudo_language import spoken, untranslated
from tests.chat.wording.pseudo_pages import HTMX, check, page_of
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _pseudo() -> Iterator[None]:
    with spoken():
        yield


def test_while_the_queue_is_away(
    tab: Client, owner: User, valkey: Valkey, sent
) -> None:
    reply = sent(owner, "1 + 1")
    page = tab.get(page_of(reply))
    valkey.stop()
    try:
        for address in ("/", "/settings/", page_of(reply), poll_url(page)):
            check(tab.get(address))
        stop_reply(Reply.objects.with_path().get())
        check(tab.get(page_of(reply)))
    finally:
        valkey.start()
        open_mailbox().connection.forgive()


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_refused_prompts(
    headers: dict[str, str], tab: Client, owner: User, box: Mailbox, settings, sent
) -> None:
    reply = sent(owner, "1 + 1")
    address = f"{page_of(reply)}send/"
    settings.MESSAGE_MAX_CHARACTERS = 3000
    wrong = (
        {"text": " "},
        {"text": "1" * 3001},
        {"text": "1", "key": "\x00"},
        {"text": "1", "instead_of": "1"},
    )
    for data in wrong:
        check(tab.post(address, data, headers=headers), 422)
        if "instead_of" not in data:
            check(tab.post("/send/", data, headers=headers), 422)
    for limit in ("QUEUE_REPLIES_MAX", "GUEST_REPLIES_WAITING", "HELD_MESSAGES_MAX"):
        setattr(settings, limit, 0 if limit != "GUEST_REPLIES_WAITING" else 1)
        check(tab.post(address, {"text": "1", "key": limit}, headers=headers), 429)


LIMITS = (
    "MESSAGES_PER_MINUTE",
    "MESSAGES_PER_DAY",
    "TOKENS_PER_DAY",
    "REPLIES_WAITING",
)


@pytest.mark.parametrize("whose", ["GUEST", "NETWORK"])
@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_that_is_reached(
    whose: str, limit: str, box: Mailbox, settings, worker: Worker, committed
) -> None:
    setattr(settings, f"{whose}_{limit}", 1)
    guest = Client()
    with committed():
        guest.post("/send/", {"text": "1"})
    if limit == "TOKENS_PER_DAY":
        collect(worker.answer("2").reply)
    for headers in ({}, HTMX):
        check(guest.post("/send/", {"text": "2"}, headers=headers), 429)
    check(guest.get("/"))
    check(guest.get("/settings/"))
    call = {"text": "2"}
    answer = guest.post("/api/v1/messages", call, content_type="application/json")
    said_by_api(answer, 429)


def test_new_guests_that_are_too_many(box: Mailbox, settings) -> None:
    settings.NETWORK_GUESTS_PER_HOUR = 1
    Client().post("/send/", {"text": "1"})
    for headers in ({}, HTMX):
        check(Client().post("/send/", {"text": "2"}, headers=headers), 429)
    check(Client().post("/settings/", {"seed": "3"}), 429)


def test_the_disk_is_full_or_the_database_busy(
    tab: Client, owner: User, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for said, status in (("disk is full", 507), ("locked", 503)):

        def fail(*_: object, said: str = said, **__: object) -> None:
            raise OperationalError(said)

        with monkeypatch.context() as patch:
            patch.setattr("chat.services.messages.send_message", fail)
            patch.setattr("chat.views.replies.get_reply_or_404", fail)
            patch.setattr("chat.api.replies.get_reply_or_404", fail)
            check(tab.post("/send/", {"text": "1"}), status)
            check(tab.get(f"/r/{owner.pk}/details/"), status)
            said_by_api(tab.post(f"/api/v1/replies/{owner.pk}/stop"), status)


def test_error_pages(tab: Client, box: Mailbox, settings) -> None:
    check(Client().get("/nowhere"), 404)
    large = "1" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    form = "application/x-www-form-urlencoded"
    check(tab.post("/send/", f"text={large}", content_type=form), 413)
    strict = Client(enforce_csrf_checks=True)
    check(strict.post("/send/", {"text": "1", "key": "1"}), 403)
    settings.CHAT_CATALOG = settings.DATA_DIR / "nothing.toml"
    check(Client(raise_request_exception=False).get("/"), 500)


def test_answers_of_one_line(tab: Client, owner: User, sent) -> None:
    reply = sent(owner, "1 + 1")
    page = page_of(reply)
    for address in (f"{page}delete/", f"{page}restore/", f"{page}send/"):
        check(tab.post(address, {"r": "x", "text": "1"}, headers=HTMX), 400)
    check(tab.post(f"{page}rename/", {"title": "1", "r": "x"}, headers=HTMX), 400)
    check(tab.get("/poll/?r=x"), 400)
    check(tab.get("/history/?before=x"), 400)
    check(tab.get("/poll/", {"c": str(owner.pk)}), 404)


def said_by_api(answer: Any, status: int) -> None:
    assert answer.status_code == status
    said = json.loads(answer.content)["detail"]
    assert said.startswith("⟦")
    assert untranslated(said, ("POST", "application", "json")) == []


def test_the_api(tab: Client, owner: User, worker: Worker, sent) -> None:
    reply = sent(owner, "1 + 1")
    api, mine = "/api/v1", f"/api/v1/replies/{reply.pk}"
    as_json = "application/json"
    said_by_api(tab.get(f"{api}/messages"), 405)
    said_by_api(tab.get(f"{api}/nothing"), 404)
    said_by_api(tab.post(f"{api}/messages", {}), 415)
    said_by_api(tab.post(f"{mine}/stop", headers={"Origin": "http://else"}), 403)
    for body in ("[]", "[", "{}", '{"text": ""}'):
        answer = tab.post(f"{api}/messages", body, content_type=as_json)
        said_by_api(answer, 422 if "text" in body else 400)
    rename = reverse("api:rename", args=[reply.message.conversation_id])
    said_by_api(tab.post(rename, "{}", content_type=as_json), 400)
    said_by_api(tab.post(f"{mine}/proceed"), 409)
    for key in ("key-0", "1" * 201):
        answer = tab.post(
            f"{api}/messages",
            '{"text": "2"}',
            content_type=as_json,
            headers={"Idempotency-Key": key},
        )
        said_by_api(answer, 422)
    tab.post(f"{page_of(reply)}delete/")
    said_by_api(
        tab.post(
            f"{api}/messages",
            '{"text": "1 + 1"}',
            content_type=as_json,
            headers={"Idempotency-Key": "key-0"},
        ),
        422,
    )
    for error in (api_errors.BROKEN, api_errors.FULL, api_errors.BUSY):
        said_by_api(error.response(), error.status)
