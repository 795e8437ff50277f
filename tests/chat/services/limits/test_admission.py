from __future__ import annotations

import contextlib
import sqlite3
import uuid
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from chat.models import Reply, User
from chat.services.errors import MessageRefused
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.pages import form_data, poll_url, text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def announce(box: Mailbox) -> None:
    """Somebody who ends a reply every 40 seconds."""
    said = wire.Announcement(
        *("w", "scripted", "Scripted", wire.Stage.READY),
        rows=1,
        tokens_per_second=5,
        tokens_per_reply=200,
    )
    box.announce(said)


def test_who_has_too_many_waiting_is_told_when_to_come_back(
    owner: User, box: Mailbox, settings: Settings, sent
) -> None:
    settings.GUEST_REPLIES_WAITING = 2
    announce(box)
    sent(owner, "one")
    sent(owner, "two")
    with pytest.raises(MessageRefused, match=r"2 messages waiting.*in 40 s") as refused:
        sent(owner, "three")
    assert refused.value.retry_seconds == 40
    assert Reply.objects.count() == 2
    # Nobody else is concerned.
    sent(User.objects.guest(uuid.uuid4()), "mine")


def test_sending_the_same_again_is_never_refused(
    owner: User, box: Mailbox, settings: Settings, sent
) -> None:
    settings.GUEST_REPLIES_WAITING = 1
    first = sent(owner, "one", key="k")
    assert sent(owner, "one", key="k") == first


def test_a_full_line_is_said_with_the_text_kept_and_the_time(
    tab: Client, box: Mailbox, settings: Settings, sent
) -> None:
    settings.QUEUE_REPLIES_MAX = 1
    page = tab.get("/")
    sent(User.objects.guest(uuid.uuid4()), "before")
    data = form_data(page, "after")
    plain = tab.post("/send/", {"text": data["text"], "key": data["key"]})
    assert plain.status_code == 429
    assert plain.headers["Retry-After"] == "60"
    assert "The queue for this model is full." in text_of(plain)
    assert "after" in dom(plain).raw_texts("textarea")
    told = tab.post("/send/", data, headers=HTMX)
    assert told.status_code == 429
    assert "in 1 min" in text_of(told)
    assert Reply.objects.count() == 1


def test_the_api_refuses_with_429_and_polls_go_on(
    tab: Client, owner: User, box: Mailbox, settings: Settings, sent
) -> None:
    settings.GUEST_REPLIES_WAITING = 1
    reply = sent(owner, "one")
    answer = tab.post(
        "/api/v1/messages", {"text": "two"}, content_type="application/json"
    )
    assert answer.status_code == 429
    error = answer.json()
    assert error["code"] == "too_many_of_yours"
    assert "still here" not in error["detail"]
    assert "Try again in" in error["detail"]
    assert int(answer.headers["Retry-After"]) > 0
    page = tab.get(f"/c/{reply.message.conversation_id}/")
    assert tab.get(poll_url(page), headers=HTMX).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own troubles")
@pytest.mark.parametrize(
    ("trouble", "status", "words"),
    [("locked", 503, "The server is busy"), ("full", 507, "disk is full")],
)
def test_a_database_that_cannot_save_is_said_with_the_text_kept(
    tab: Client, box: Mailbox, trouble: str, status: int, words: str
) -> None:
    # More than fits into what is left of the pages a database has.
    data = form_data(tab.get("/"), "precious <text> " + 7900 * "x")
    with cannot_save(trouble):
        answer = tab.post("/send/", {"text": data["text"], "key": data["key"]})
        assert answer.status_code == status
        assert words in text_of(answer)
        assert "precious &lt;text&gt; xxx" in text_of(answer)
        assert answer.headers["Retry-After"]
        told = tab.post("/send/", data, headers=HTMX)
        assert told.status_code == status
        asked = {"text": data["text"]}
        call = tab.post("/api/v1/messages", asked, content_type="application/json")
        assert call.status_code == status
        assert call.json()["detail"]
    again = tab.post("/send/", {"text": data["text"], "key": data["key"]})
    assert again.status_code == 303
    assert Reply.objects.count() == 1


@contextlib.contextmanager
def cannot_save(trouble: str) -> Iterator[None]:
    """Somebody else writes and does not end; or there is no room for another page."""
    if trouble == "locked":
        name, options = (connection.settings_dict[key] for key in ("NAME", "OPTIONS"))
        with (
            patch.dict(options, timeout=0.05),
            contextlib.closing(sqlite3.connect(name)) as other,
        ):
            other.execute("BEGIN IMMEDIATE")
            yield
            other.rollback()
    else:
        with connection.cursor() as cursor:
            pages = cursor.execute("PRAGMA page_count").fetchone()[0]
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA max_page_count=1")
        yield
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA max_page_count={pages + 100_000}")
