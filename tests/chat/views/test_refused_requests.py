"""What is refused changes nothing, and what was done is never answered as refused."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from chat.accounts.session_store import SessionStore
from chat.http.page_version import PAGE_VERSION
from chat.models import Conversation, Message, Reply, User
from chatsite.mailbox import Mailbox
from chatsite.wsgi import application, without_charset
from tests.chat.conftest import Worker
from tests.cookie_names import TOKEN

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
SOMEBODYS = str(uuid.UUID(int=9))


@pytest.fixture
def done(owner: User, worker: Worker, sent: Callable[..., Reply]) -> Reply:
    from chat.services.jobs.collect import collect

    reply = sent(owner)
    worker.answer("an answer")
    collect(str(reply.pk))
    reply.refresh_from_db()
    return reply


@pytest.mark.parametrize(
    "page",
    [{"r": "x"}, {"v": PAGE_VERSION, "r": f"{SOMEBODYS}:1:0", "leaf": SOMEBODYS}],
)
@pytest.mark.parametrize("act", ["r/{}/vary", "r/{}/stop", "m/{}/choose"])
def test_a_page_that_does_not_know_what_it_shows_is_loaded_anew(
    tab: Client, done: Reply, page: dict[str, str], act: str
) -> None:
    answer = tab.post(f"/{act.format(done.pk)}/", page, headers=HTMX)
    assert answer.status_code == 200
    there = f"/c/{done.message.conversation_id}/"
    assert answer["HX-Redirect"].startswith(there)
    assert Reply.objects.count() == (2 if "vary" in act else 1)


@pytest.mark.parametrize(
    ("act", "there"), [("rename", "/c/"), ("delete", "/"), ("restore", "/")]
)
def test_nor_is_one_that_shows_what_is_somebody_elses(
    tab: Client, done: Reply, act: str, there: str
) -> None:
    said = {"title": "New", "c": SOMEBODYS, "r": f"{SOMEBODYS}:1:0"}
    talk = done.message.conversation_id
    answer = tab.post(f"/c/{talk}/{act}/", said, headers=HTMX)
    assert answer.status_code == 200
    assert answer["HX-Redirect"].startswith(there)


def test_nothing_is_renamed_by_a_page_whose_state_makes_no_sense(
    tab: Client, done: Reply
) -> None:
    talk = done.message.conversation_id
    said = {"title": "New", "r": "x"}
    assert tab.post(f"/c/{talk}/rename/", said, headers=HTMX).status_code == 400
    assert Conversation.objects.get().title == "hello"


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"text": "hello", "conversation": SOMEBODYS}, "k"),
        ({"text": "hello", "conversation": "x"}, "k"),
        ({"text": "hello"}, "k" * 300),
        ({"text": " "}, "k"),
    ],
)
def test_a_call_that_is_refused_makes_no_guest(
    box: Mailbox, body: dict[str, Any], key: str
) -> None:
    answer = Client().post(
        "/api/v1/messages",
        json.dumps(body),
        content_type="application/json",
        headers={"Idempotency-Key": key},
    )
    assert 400 <= answer.status_code < 500
    assert not User.objects.exists()
    assert not SessionStore.get_model_class().objects.exists()


def test_a_form_whose_key_is_refused_makes_no_guest(box: Mailbox) -> None:
    answer = Client().post("/send/", {"text": "hello", "key": "k" * 300})
    assert answer.status_code == 422
    assert not User.objects.exists()
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "origin", ["http://[", "null", "//[::1", "http://evil.example"]
)
def test_a_call_from_what_is_no_address_of_ours_is_refused(origin: str) -> None:
    answer = Client().post(
        f"/api/v1/replies/{SOMEBODYS}/stop", headers={"Origin": origin}
    )
    assert answer.status_code == 403
    assert answer.json()["code"] == "cross_site"


def test_a_broken_form_sent_nowhere_is_not_found() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies[TOKEN] = "x" * 32
    kind = "multipart/form-data; boundary="
    answer = browser.post("/nowhere/", b"x", content_type=kind)
    assert answer.status_code == 404
    assert b"Page not found" in answer.content


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("text/plain; charset=base64", "text/plain"),
        ('a/b; CharSet = "utf-16"; boundary=b', "a/b; boundary=b"),
        ("a/b; charset*=UTF-8''base64", "a/b"),
        (
            "multipart/form-data; boundary=charset",
            "multipart/form-data; boundary=charset",
        ),
        ("", ""),
    ],
)
def test_no_charset_of_a_request_is_used(said: str, kept: str) -> None:
    assert without_charset(said) == kept


def test_a_codec_that_is_no_charset_is_no_error() -> None:
    browser = Client()
    environ = browser._base_environ(
        PATH_INFO="/healthz",
        QUERY_STRING="a=b",
        CONTENT_TYPE="application/x-www-form-urlencoded; charset=base64",
    )
    statuses: list[str] = []
    application(environ, lambda status, _headers: statuses.append(status))
    assert statuses == ["200 OK"]


def test_a_name_that_is_not_the_sites_is_told_as_such(
    client: Client, settings: LazySettings
) -> None:
    settings.ALLOWED_HOSTS = ["chat.example.org"]
    answer = client.get("/", headers={"Host": "elsewhere.example.org"})
    assert answer.status_code == 400
    assert "Unknown host name" in answer.content.decode()
    too_many = "&".join(f"a{n}=1" for n in range(1001))
    kind = "application/x-www-form-urlencoded"
    host = {"Host": "chat.example.org"}
    answer = client.post("/send/", too_many, kind, headers=host)
    assert answer.status_code == 400
    assert "couldn’t read" in answer.content.decode()
