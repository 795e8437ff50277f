"""Requests sent again with their key: double clicks, lost answers, two at once, and
forms of pages that the Back button brought."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from chat.models import Conversation, IdempotencyKey, Reply, User
from chat.services import conversation_deletion, messages
from chatsite import wire
from tests.chat.conftest import Worker
from tests.chat.pages import text_of
from tests.chat.services.repeated_requests import ask, end_next, ended
from tests.dom import dom

pytestmark = pytest.mark.django_db(transaction=True)


def form_of(page: Any, path: str) -> dict[str, str]:
    """The hidden fields of the form on a page that goes to a path."""
    fields = dom(page).first(f'form[action="{path}"]').all("input[type=hidden]")
    values = {field["name"]: field["value"] for field in fields}
    values.pop("csrfmiddlewaretoken", None)
    return values


FORMS = (
    ("vary", wire.Outcome.DONE, {}),
    ("repeat", wire.Outcome.DONE, {}),
    ("retry", wire.Outcome.FAILED, {}),
    ("resume", wire.Outcome.DONE, {"is_length_limited": True}),
)


@pytest.mark.parametrize(("act", "outcome", "said"), FORMS)
def test_a_form_sent_again_after_its_reply_ended_makes_no_other(
    tab: Client, owner: User, worker: Worker, act: str, outcome: Any, said: Any
) -> None:
    old = ended(owner, worker, outcome, **said)
    path = f"/r/{old.pk}/{act}/"
    page = (
        f"/r/{old.pk}/details/"
        if act == "repeat"
        else f"/c/{old.message.conversation_id}/"
    )
    form = form_of(tab.get(page), path)
    first = tab.post(path, form)
    assert Reply.objects.count() == 2
    # Not even where it failed: there is a form of its own for that.
    end_next(worker, wire.Outcome.FAILED)
    again = tab.post(path, form)
    assert again["Location"] == first["Location"]
    assert Reply.objects.count() == 2


def test_the_form_of_a_page_loaded_since_makes_another(
    tab: Client, owner: User, worker: Worker
) -> None:
    old = ended(owner, worker, wire.Outcome.DONE)
    path, page = f"/r/{old.pk}/vary/", f"/c/{old.message.conversation_id}/"
    stale = form_of(tab.get(page), path)
    tab.post(path, stale)
    end_next(worker, wire.Outcome.DONE)
    details = f"/r/{old.pk}/details/"
    fresh = form_of(tab.get(f"{page}?at={old.pk}"), path)
    assert form_of(tab.get(details), f"/r/{old.pk}/repeat/")["key"] == fresh["key"]
    tab.post(path, fresh)
    assert Reply.objects.count() == 3
    end_next(worker, wire.Outcome.DONE)
    # Of the stale page, several at once are something else than one.
    tab.post(path, {**stale, "count": "2"})
    assert Reply.objects.count() == 5


def test_a_change_saved_twice_is_not_refused_once_its_turn_came(
    tab: Client, owner: User, worker: Worker
) -> None:
    first = messages.send_message(owner, "one", None)
    held = messages.send_message(owner, "two", None, first.message.conversation)
    path = f"/r/{held.pk}/edit/"
    form = {**form_of(tab.get(path), path), "text": "two, changed"}
    assert tab.post(path, form).status_code == 303
    end_next(worker, wire.Outcome.DONE)
    assert tab.post(path, form).status_code == 303
    late = tab.post(path, {**form, "text": "two, changed late"})
    assert late.status_code == 409
    assert "two, changed late" in text_of(late)


def test_two_retries_with_one_key_at_once_make_one(
    tab: Client, owner: User, worker: Worker, client_of: Callable[[User], Client]
) -> None:
    old = ended(owner, worker, wire.Outcome.FAILED)
    start, answers = threading.Barrier(4), []

    def run(client: Client) -> None:
        start.wait()
        answers.append(ask(client, f"replies/{old.pk}/retry", "k"))
        connection.close()

    clients = [client_of(owner) for _ in range(4)]
    threads = [threading.Thread(target=run, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Reply.objects.count() == 2
    assert IdempotencyKey.objects.count() == 1


def test_a_retry_with_its_key_gives_the_reply_that_failed_and_another_key_a_new_one(
    tab: Client, owner: User, worker: Worker
) -> None:
    old = ended(owner, worker, wire.Outcome.FAILED)
    first = ask(tab, f"replies/{old.pk}/retry", "k")
    end_next(worker, wire.Outcome.FAILED)
    again = ask(tab, f"replies/{old.pk}/retry", "k")
    assert again.status_code == 202
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["state"] == "failed"
    other = ask(tab, f"replies/{old.pk}/retry", "another")
    assert other.json()["id"] != first.json()["id"]


def test_calls_that_make_nothing_are_carried_out_once_too(
    tab: Client, owner: User, worker: Worker
) -> None:
    first = messages.send_message(owner, "one", None)
    talk = first.message.conversation
    second = messages.send_message(owner, "two", None, talk)
    third = messages.send_message(owner, "three", None, talk)

    def twice(path: str, key: str, between: Callable[[], object], **body: str) -> None:
        one = ask(tab, path, key, **body)
        between()
        two = ask(tab, path, key, **body)
        assert one.status_code == two.status_code < 300, two.json()

    def title() -> str:
        return Conversation.objects.get(pk=talk.pk).title

    twice(f"replies/{third.pk}/remove", "remove", lambda: None)
    twice(
        f"replies/{second.pk}/edit",
        "edit",
        lambda: end_next(worker, wire.Outcome.FAILED),
        text="two, changed",
    )
    twice(f"replies/{second.pk}/proceed", "proceed", lambda: None)
    rename = f"conversations/{talk.pk}/rename"
    twice(rename, "rename", lambda: ask(tab, rename, None, title="B"), title="A")
    assert title() == "B"
    deleted = f"conversations/{talk.pk}/delete"
    twice(deleted, "delete", lambda: conversation_deletion.restore(talk_as_it_is(talk)))
    assert Conversation.objects.not_deleted().filter(pk=talk.pk).exists()
    restored = f"conversations/{talk.pk}/restore"
    conversation_deletion.delete(talk)
    twice(restored, "restore", lambda: conversation_deletion.delete(talk))
    assert not Conversation.objects.not_deleted().filter(pk=talk.pk).exists()


def talk_as_it_is(talk: Conversation) -> Conversation:
    return Conversation.objects.get(pk=talk.pk)
