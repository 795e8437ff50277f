from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable

import pytest
from django.test import Client

from chat.accounts.data_export import export_user
from chat.keeper import Keeper
from chat.models import Conversation, Message, PushSubscription, User
from tests.chat.accounts.conftest import Worker
from tests.chat.conversation_data import long_conversation

pytestmark = pytest.mark.django_db


def downloaded(client: Client):  # type: ignore[no-untyped-def]
    answer = client.get("/account/download/")
    assert answer.status_code == 200
    return json.loads(b"".join(answer.streaming_content))


def test_the_file_contains_all_that_is_kept(
    tab: Client, account: User, sent, worker: Worker, owner: User
) -> None:
    account.instructions = "Answer in “rhymes”."
    account.settings = {"temperature": 0.5}
    account.save()
    sent(owner, "Somebody else's")
    worker.answer("Theirs")
    reply = sent(account, "Tell me\n\u2028all </script>")
    worker.answer("Once\n\u2028𝛑 </script>")
    Keeper().sweep()
    gone = sent(account, "Deleted").message.conversation
    tab.post(f"/c/{gone.pk}/delete/")
    got = downloaded(tab)
    assert got["account"]["name"] == "bee"
    assert got["account"]["email"] == "bee@example.org"
    assert got["preferences"]["instructions"] == "Answer in “rhymes”."
    assert got["preferences"]["settings"] == {"temperature": 0.5}
    assert len(got["sessions"]) == 1
    talk, deleted = got["conversations"]
    assert talk["deleted_at"] is None
    assert deleted["deleted_at"]
    prompt, answer = talk["messages"]
    assert prompt["text"] == "Tell me\n\nall </script>"  # as it is kept
    assert (prompt["parent"], answer["parent"]) == (None, prompt["id"])
    assert talk["active"] == answer["id"] == str(reply.pk)
    assert answer["text"] == "Once\n\u2028𝛑 </script>"
    assert answer["reply"]["state"] == "done"
    assert answer["reply"]["settings"]["temperature"] == 0.5
    assert "Somebody else's" not in json.dumps(got)
    assert "password" not in json.dumps(got)


def test_the_file_is_a_download_that_no_cache_keeps(tab: Client) -> None:
    answer = tab.get("/account/download/")
    assert answer["Content-Disposition"].startswith('attachment; filename="chatsite-')
    assert answer["Content-Disposition"].endswith('.json"')
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Type"] == "application/json"


def test_a_guest_can_download_data(
    visitor: Client, say: Callable[..., None], account: User
) -> None:
    assert visitor.get("/account/download/")["Location"].startswith("/account/log-in/")
    say(visitor, "Hello")
    got = downloaded(visitor)
    assert got["account"]["name"] is None
    assert got["conversations"][0]["messages"][0]["text"] == "Hello"


def test_an_account_without_conversations(tab: Client) -> None:
    assert downloaded(tab)["conversations"] == []


def test_only_a_part_of_a_large_export_is_in_memory(account: User) -> None:
    long_conversation(account, 1000)
    Message.objects.update(text="x" * 10_000)
    for number in range(300):
        Conversation.objects.create(owner=account, title=str(number))
    tracemalloc.start()
    try:
        size = sum(len(piece) for piece in export_user(account))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 10_000_000
    assert most < size / 2


def test_a_browser_with_notices_is_named_without_its_secrets(
    tab: Client, account: User
) -> None:
    PushSubscription.objects.create(
        owner=account,
        session=account.sessions.get(),
        endpoint="https://push.example/secret",
        p256dh="key",
        auth="word",
        language="en",
    )
    got = downloaded(tab)
    [found] = got["push_subscriptions"]
    assert (found["service"], found["language"]) == ("push.example", "en")
    assert not {"/secret", "key", "word"} & set(found.values())
    assert "/secret" not in json.dumps(got)
