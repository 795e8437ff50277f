"""Reading never waits for a writer, nor for a mailbox that goes away meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection

from chat.keeper import Keeper
from chat.models import Reply, User
from chat.services.messages import send_message
from chatsite import wire
from chatsite.mailbox import Mailbox, MailboxAway
from tests.chat.pages import poll_url, text_of

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def another_writer() -> Iterator[None]:
    """Another connection holds the write lock, or all rows, until the end."""
    if connection.vendor == "sqlite":
        name = connection.settings_dict["NAME"]
        with closing(sqlite3.connect(name, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
        return
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            for table in ("conversation", "message", "reply", "session", "user"):
                cursor.execute(f"LOCK TABLE chat_{table} IN EXCLUSIVE MODE")
        yield
    finally:
        other.close()


def test_polls_and_pages_show_an_end_while_another_process_writes(
    owner: User, worker: Any, client_of: Any
) -> None:
    reply, client = send_message(owner, "hello", "key"), client_of(owner)
    address = f"/c/{reply.message.conversation_id}/"
    page = client.get(address)
    worker.answer("the whole answer")
    with another_writer():
        answer = client.get(poll_url(page))
        assert answer.status_code == 200
        assert "the whole answer" in text_of(answer)
        assert "the whole answer" in text_of(client.get(address))
        found = client.get(f"/api/v1/replies/{reply.pk}").json()
        assert (found["state"], found["text"]) == ("done", "the whole answer")
        assert Reply.objects.get(pk=reply.pk).state == "queued"
    Keeper().sweep()
    row = Reply.objects.get(pk=reply.pk)
    assert (row.state, row.message.text) == ("done", "the whole answer")


def test_a_stop_reaches_the_worker_while_another_process_writes(
    owner: User, worker: Any, client_of: Any
) -> None:
    reply, client = send_message(owner, "hello", "key"), client_of(owner)
    claim = worker.claim()
    with another_writer():
        answer = client.post(f"/api/v1/replies/{reply.pk}/stop")
        assert (answer.status_code, answer.json()["is_stopping"]) == (202, True)
        assert worker.write(claim, "so far") == "stop"
        worker.finish(claim, "so far", wire.Outcome.STOPPED)
    Keeper().sweep()
    row = Reply.objects.get(pk=reply.pk)
    assert (row.state, row.message.text) == ("stopped", "so far")


@pytest.mark.parametrize("call", range(1, 7))
def test_an_end_is_shown_whichever_call_to_the_mailbox_fails(
    owner: User,
    box: Mailbox,
    worker: Any,
    client_of: Any,
    monkeypatch: pytest.MonkeyPatch,
    call: int,
) -> None:
    reply, client = send_message(owner, "hello", "key"), client_of(owner)
    page = client.get(f"/c/{reply.message.conversation_id}/")
    worker.answer("the whole answer")
    calls, guarded = 0, box.connection.call

    def fails_from_then_on(act: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls >= call:
            raise MailboxAway("gone between two calls")
        return guarded(act)

    with monkeypatch.context() as patched:
        patched.setattr(box.connection, "call", fails_from_then_on)
        assert client.get(poll_url(page)).status_code == 200
    Keeper().sweep()
    row = Reply.objects.get(pk=reply.pk)
    assert (row.state, row.message.text) == ("done", "the whole answer")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="an error of another kind")
def test_middleware_that_cannot_use_the_database_says_so_and_keeps_the_text(
    owner: User, client_of: Any, settings: LazySettings
) -> None:
    """With ``GUESTS=off`` one middleware looks up who asks, before any view."""
    settings.GUESTS = False
    client = client_of(owner)
    client.raise_request_exception = False
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as other:
        other.execute("ALTER TABLE chat_session RENAME TO gone")
        try:
            page = client.post("/send/", {"text": "typed meanwhile", "key": "key"})
            call = client.get("/api/v1/search?q=a")
        finally:
            other.execute("ALTER TABLE gone RENAME TO chat_session")
    assert (page.status_code, page["Retry-After"]) == (503, "5")
    assert "typed meanwhile" in text_of(page)
    assert (call.status_code, call.json()["code"]) == (503, "busy")


def test_a_write_that_waits_in_vain_is_refused_with_the_text_kept(
    owner: User, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply, client = send_message(owner, "hello", "key"), client_of(owner)
    page = f"/c/{reply.message.conversation_id}/"
    with another_writer(), impatient(monkeypatch):
        answer = client.post("/send/", {"text": "typed meanwhile", "key": "other"})
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert "typed meanwhile" in text_of(answer)
        for path, form in WRITES.items():
            answer = client.post(f"{page}{path}", form)
            assert answer.status_code == 503, path
            told = text_of(answer)
            assert "Send again in a few seconds" in told or "send it again" in told, (
                path
            )
    assert client.post(f"{page}rename/", {"title": "Renamed"}).status_code == 303


WRITES = {"rename/": {"title": "Renamed"}, "delete/": {}, "send/": {"text": "a"}}


@contextmanager
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Writes wait for a tenth of a second."""
    with monkeypatch.context() as patched:
        if connection.vendor == "sqlite":
            patched.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.1)
            yield
            return
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 100")
        yield
        connection.close()
