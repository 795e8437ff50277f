"""Requests sent again with their key: double clicks, lost answers, two at once, and
forms of pages that the Back button brought."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse
from django.test import Client

from chat.models import Conversation, IdempotencyKey, Message, Reply, User
from chat.services import conversation_deletion, held_messages, messages
from chat.services.errors import MessageRefused
from chat.services.jobs.collect import collect
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker
from tests.chat.pages import text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tab(owner: User, client_of: Callable[[User], Client], box: Mailbox) -> Client:
    return client_of(owner)


def ask(tab: Client, path: str, key: str | None, **body: str) -> HttpResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    return tab.post(
        f"/api/v1/{path}", body, content_type="application/json", headers=headers
    )


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def ended(owner: User, worker: Worker, outcome: wire.Outcome, **said: Any) -> Reply:
    """A reply of which another version may be asked for."""
    reply = messages.send_message(owner, "Hello", None)
    end_next(worker, outcome, **said)
    return Reply.objects.with_path().get(pk=reply.pk)


def end_next(worker: Worker, outcome: wire.Outcome, **said: Any) -> None:
    claim = worker.claim()
    worker.finish(claim, "So far", outcome, **said)
    collect(claim.reply)


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


def test_a_key_is_good_for_one_request_alone(
    tab: Client, owner: User, worker: Worker
) -> None:
    old = ended(owner, worker, wire.Outcome.FAILED)
    other = ended(owner, worker, wire.Outcome.FAILED)
    talk = str(old.message.conversation_id)
    assert ask(tab, "messages", "k", text="once", conversation=talk).status_code == 202
    reused = (422, "key_reused")
    for path, body in (
        ("messages", {"text": "twice", "conversation": talk}),
        ("messages", {"text": "once"}),
        (
            "messages",
            {"text": "once", "conversation": str(other.message.conversation_id)},
        ),
        (f"replies/{old.pk}/retry", {}),
        (f"replies/{old.pk}/proceed", {}),
        (f"replies/{old.pk}/remove", {}),
        (f"replies/{old.pk}/edit", {"text": "once"}),
        (f"conversations/{talk}/rename", {"title": "once"}),
        (f"conversations/{talk}/delete", {}),
        (f"conversations/{talk}/restore", {}),
    ):
        assert code(ask(tab, path, "k", **body)) == reused, path
    ask(tab, f"replies/{old.pk}/retry", "r")
    assert code(ask(tab, f"replies/{other.pk}/retry", "r")) == reused
    assert code(ask(tab, "messages", "r", text="once")) == reused
    # A stop is never in anybody's way.
    assert ask(tab, f"replies/{old.pk}/stop", "k").status_code == 202


def test_a_key_is_its_owners_own(
    tab: Client, owner: User, client_of: Callable[[User], Client]
) -> None:
    other = client_of(User.objects.create())
    mine = ask(tab, "messages", "k", text="mine")
    assert ask(other, "messages", "k", text="theirs").status_code == 202
    assert ask(tab, "messages", "k", text="mine").json()["id"] == mine.json()["id"]


def test_what_is_refused_leaves_the_key_unused(tab: Client, owner: User) -> None:
    assert code(ask(tab, "messages", "k", text=" ")) == (422, "blank")
    assert ask(tab, "messages", "k", text="a text").status_code == 202


def test_a_message_changed_since_is_still_the_one_that_was_sent(
    tab: Client, owner: User
) -> None:
    first = messages.send_message(owner, "one", None)
    talk = str(first.message.conversation_id)
    sent = ask(tab, "messages", "k", text="two", conversation=talk)
    held_messages.edit(Reply.objects.get(pk=sent.json()["id"]), "two, changed")
    again = ask(tab, "messages", "k", text="two", conversation=talk)
    assert again.json()["id"] == sent.json()["id"]
    assert Message.objects.filter(role="user").count() == 2


def test_a_message_that_was_taken_back_may_be_sent_once_more(
    tab: Client, owner: User
) -> None:
    first = messages.send_message(owner, "one", None)
    talk = str(first.message.conversation_id)
    sent = ask(tab, "messages", "k", text="two", conversation=talk)
    held_messages.remove(Reply.objects.get(pk=sent.json()["id"]))
    again = ask(tab, "messages", "k", text="two", conversation=talk)
    assert again.status_code == 202
    assert again.json()["id"] != sent.json()["id"]


def test_keys_go_with_their_conversation(tab: Client, owner: User) -> None:
    ask(tab, "messages", "k", text="one")
    Conversation.objects.all().delete()
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize(
    ("sent", "again"),
    [
        ("abc", '"abc"'),
        ("abc", "  abc\t"),
        ('"a,b \\"c\\" \\\\"', ' "a,b \\"c\\" \\\\"'),
        ('a"b', '"a\\"b"'),
        ("k" * 200, f'"{"k" * 200}"'),
        ("clé".encode().decode("latin-1"), '"clé"'.encode().decode("latin-1")),
    ],
)
def test_one_key_in_two_spellings(
    tab: Client, owner: User, sent: str, again: str
) -> None:
    first = ask(tab, "messages", sent, text="once")
    assert first.status_code == 202
    assert ask(tab, "messages", again, text="once").json()["id"] == first.json()["id"]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ('""', "is empty"),
        ("k" * 201, "1 to 200 characters"),
        ('"' + "k" * 201 + '"', "1 to 200 characters"),
        ("a,b", "once, with one key"),
        ("a, a", "once, with one key"),
        ('"a","b"', "once, with one key"),
        ('"a', "in double quotes"),
        ('"a"; x=1', "in double quotes"),
        ('"a\\b"', "backslash"),
        ("a\tb", "no control characters"),
        ("a\x7fb", "no control characters"),
        ("a\u0085b".encode().decode("latin-1"), "no control characters"),
    ],
)
def test_a_bad_key_is_refused_with_the_reason(
    box: Mailbox, key: str, words: str
) -> None:
    refused = ask(Client(), "messages", key, text="once")
    assert code(refused) == (422, "bad_key")
    assert words in refused.json()["error"]["message"]
    assert not User.objects.exists()


def test_a_form_with_a_key_of_any_kind_is_answered(
    tab: Client, owner: User, worker: Worker
) -> None:
    old = ended(owner, worker, wire.Outcome.FAILED)
    for key in ("k" * 300, "\0", "\n", "é"):
        answer = tab.post(f"/r/{old.pk}/retry/", {"key": key})
        assert answer.status_code in (303, 422)
    assert Reply.objects.count() == 2


@pytest.fixture
def older_schema() -> Any:
    """Before keys had a table of their own; afterwards as it is."""
    executor = MigrationExecutor(connection)
    executor.migrate([("chat", "0010_folded_words")])
    yield executor.loader.project_state([("chat", "0010_folded_words")]).apps
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_keys_of_messages_are_good_after_the_migration_and_on_the_way_back(
    owner: User, box: Mailbox, older_schema: Any
) -> None:
    talk, first = _sent_with_key(older_schema, owner, "begun é\nhere")
    talk, later = _sent_with_key(older_schema, owner, "gone on with", talk, first)
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    conversation = Conversation.objects.get(pk=talk.pk)
    begun = first.parent.text
    assert messages.send_message(owner, begun, "key of begun").pk == first.pk
    again = messages.send_message(owner, "gone on with", "key of gone", conversation)
    assert again.pk == later.pk
    with pytest.raises(MessageRefused):
        messages.send_message(owner, "something else", "key of gone", conversation)
    executor = MigrationExecutor(connection)
    executor.migrate([("chat", "0010_folded_words")])
    keys = older_schema.get_model("chat", "Message").objects.filter(role="user")
    assert set(keys.values_list("text", "idempotency_key")) == {
        (begun, "key of begun"),
        ("gone on with", "key of gone"),
    }


def _sent_with_key(
    models: Any, owner: User, text: str, talk: Any = None, after: Any = None
) -> Any:
    """A message as 0010 kept it: its conversation, and its reply."""
    model = models.get_model
    if talk is None:
        talk = model("chat", "Conversation").objects.create(owner_id=owner.pk)
    of = {"conversation": talk, "owner_id": owner.pk}
    said = model("chat", "Message")(text=text, role="user", parent=after, **of)
    said.idempotency_key = f"key of {text.split()[0]}"
    said.save()
    reply = model("chat", "Message")(role="assistant", parent=said, **of)
    reply.save()
    model("chat", "Reply").objects.create(message=reply, state="done", seed=1)
    return talk, reply
