"""What an idempotency key is good for, and how it is spelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone

from chat.models import (
    Conversation,
    IdempotencyKey,
    Message,
    Reply,
    SharedLink,
    User,
    WebhookEndpoint,
)
from chat.services import held_messages, messages
from chat.services.errors import MessageRefused
from chat.services.webhooks import endpoints
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.api import operations
from tests.chat.conftest import Worker
from tests.chat.services.repeated_requests import ask, ended

#: Calls that do no more when they are repeated.
HARMLESS_TWICE = {
    *("stop", "run_now"),
    *("try_webhook", "enable_webhook", "disable_webhook", "delete_webhook"),
    *("retry_delivery", "confirm_import", "delete_import"),
}
#: Its body is a form, not JSON.
TAKES_A_FORM = {"make_import"}
#: All other calls of the API that change something.
CALLS = {
    call.name: call.path
    for call in operations.CALLS
    if call.method == "POST" and call.name not in HARMLESS_TWICE | TAKES_A_FORM
}

pytestmark = pytest.mark.django_db(transaction=True)


TAKE_TEXT = ("edit", "messages", "rewrite", "send_version")
#: The bodies of calls that need one.
BODIES = {
    **{name: {"text": "new"} for name in TAKE_TEXT},
    **{name: {"title": "new"} for name in ("make", "rename")},
    "make_preset": {"name": "new"},
    "apply_preset": {"preset": "new"},
    "make_webhook": {"address": "https://example.org/"},
}


def _webhook_of(owner: User) -> WebhookEndpoint:
    """A webhook of an owner, who has a name from now on."""
    owner.username = "bee"
    owner.save()
    return endpoints.make_endpoint(owner, url="https://example.org/")


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


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


@pytest.mark.parametrize("name", CALLS)
def test_every_call_that_changes_something_reads_its_key(
    tab: Client, owner: User, worker: Worker, name: str
) -> None:
    old = ended(owner, worker, wire.Outcome.FAILED)
    pk = {
        "replies": old.pk,
        "messages": old.message.parent_id,
        "conversations": old.message.conversation_id,
        "webhooks": _webhook_of(owner).pk,
        "shared-links": SharedLink.objects.create(
            owner=owner,
            conversation=old.message.conversation,
            frozen_at=timezone.now(),
        ).pk,
    }
    path = CALLS[name].replace("<uuid:pk>", str(pk.get(CALLS[name].split("/")[0])))
    said = ask(tab, path, "", **BODIES.get(name, {})).json()
    assert said["code"] == "bad_key" and "is empty" in said["detail"]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ('""', "is empty"),
        ("k" * 201, "1 to 200 characters"),
        ('"' + "k" * 201 + '"', "1 to 200 characters"),
        ("a,b", "one Idempotency-Key header"),
        ("a, a", "one Idempotency-Key header"),
        ('"a","b"', "one Idempotency-Key header"),
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
    assert words in refused.json()["detail"]
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
