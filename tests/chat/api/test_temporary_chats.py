"""Temporary chats of programs: begun by a message, found by id alone, kept or erased."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from chat.accounts.account_deletion import erase_temporary_chats
from chat.models import Conversation, User
from tests.chat.api.key_program import Program
from tests.chat.conftest import Worker

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "sassafras"


@pytest.fixture
def account(db: None) -> User:
    return User.objects.create_user("bee", None)


def post(tab: Client, path: str, **body: object):
    return tab.post(f"/api/v1/{path}", body, content_type="application/json")


@pytest.fixture
def chat(tab: Client, worker: Worker) -> dict[str, Any]:
    """One with a reply, as a call reads it."""
    sent = post(tab, "messages", text=SECRET, temporary=True).json()
    worker.answer(f"more {SECRET}")
    tab.get(f"/api/v1/replies/{sent['id']}")
    return read(tab, sent["conversation"])


def read(tab: Client, pk: str) -> dict[str, Any]:
    return dict(tab.get(f"/api/v1/conversations/{pk}").json())


def end_in(chat: dict[str, Any], after: timedelta) -> None:
    """As if it had been asked for last so long ago that this is left."""
    until = timezone.now() + after
    found = Conversation.objects.filter(pk=chat["id"])
    found.update(temporary_until=until)
    for message in found.get().messages.exclude(reply=None):
        message.reply.finished_at = until - timedelta(days=8)
        message.reply.save(update_fields=["finished_at"])


def test_it_says_when_it_is_erased(tab: Client, chat: dict[str, Any]) -> None:
    left = Conversation.objects.get().temporary_until
    assert left is not None
    assert chat["temporary_until"] == left.isoformat().replace("+00:00", "Z")
    assert timedelta(minutes=50) < left - timezone.now() <= timedelta(hours=1)


def test_one_that_is_kept_says_null(tab: Client) -> None:
    sent = post(tab, "messages", text="hello").json()
    assert read(tab, sent["conversation"])["temporary_until"] is None
    [listed] = tab.get("/api/v1/conversations").json()["conversations"]
    assert listed["temporary_until"] is None


def test_no_list_and_no_search_has_it(tab: Client, chat: dict[str, Any]) -> None:
    assert tab.get("/api/v1/conversations").json()["conversations"] == []
    archive = tab.get("/api/v1/conversations?archived=true")
    assert archive.json()["conversations"] == []
    assert tab.get(f"/api/v1/search?q={SECRET}").json()["hits"] == []
    inside = tab.get(f"/api/v1/search?q={SECRET}&conversation={chat['id']}")
    assert inside.json()["hits"] == []


def test_its_messages_are_read_by_its_id(tab: Client, chat: dict[str, Any]) -> None:
    texts = [one["text"] for one in tab.get(chat["messages_url"]).json()["messages"]]
    assert texts == [f"more {SECRET}", SECRET]


def test_a_further_message_leaves_it_temporary(
    tab: Client, chat: dict[str, Any], worker: Worker
) -> None:
    post(tab, "messages", text="and more", conversation=chat["id"])
    assert Conversation.objects.get().is_temporary


def test_only_a_new_conversation_can_be_temporary(tab: Client) -> None:
    sent = post(tab, "messages", text="hello").json()
    body = {"conversation": sent["conversation"], "temporary": True}
    refused = post(tab, "messages", text="hush", **body)
    assert (refused.status_code, refused.json()["code"]) == (422, "not_new")
    assert refused.json()["parameter"] == "temporary"


@pytest.mark.parametrize("what", ["", "/messages", "/settings", "/export"])
def test_a_call_that_asks_for_it_puts_off_its_end(
    tab: Client, chat: dict[str, Any], what: str
) -> None:
    end_in(chat, timedelta(seconds=5))
    assert tab.get(f"/api/v1/conversations/{chat['id']}{what}").status_code == 200
    until = Conversation.objects.get().temporary_until
    assert until is not None
    assert until > timezone.now() + timedelta(minutes=50)


def test_a_call_for_one_of_its_messages_does_so_too(
    tab: Client, chat: dict[str, Any]
) -> None:
    message = tab.get(chat["messages_url"]).json()["messages"][0]
    end_in(chat, timedelta(seconds=5))
    tab.get(message["url"])
    end_in_an_hour = Conversation.objects.get().temporary_until
    assert end_in_an_hour is not None
    assert end_in_an_hour > timezone.now() + timedelta(minutes=50)


def test_it_is_noted_once_a_minute(tab: Client, chat: dict[str, Any]) -> None:
    before = Conversation.objects.get().temporary_until
    read(tab, chat["id"])
    assert Conversation.objects.get().temporary_until == before


def test_others_put_nothing_off(tab: Client, chat: dict[str, Any], client_of) -> None:
    end_in(chat, timedelta(seconds=5))
    before = Conversation.objects.get().temporary_until
    stranger = client_of(User.objects.create_user("wasp", None))
    for path in (chat["url"], chat["messages_url"]):
        assert stranger.get(path).status_code == 404
    assert Conversation.objects.get().temporary_until == before


def test_it_is_erased_once_nothing_has_asked_for_it(
    tab: Client, chat: dict[str, Any]
) -> None:
    assert not erase_temporary_chats()
    end_in(chat, -timedelta(seconds=5))
    assert erase_temporary_chats()
    assert tab.get(chat["url"]).status_code == 404


def test_a_kept_one_is_listed_and_found(tab: Client, chat: dict[str, Any]) -> None:
    for _ in range(2):
        kept = post(tab, f"conversations/{chat['id']}/keep")
        assert (kept.status_code, kept.json()["temporary_until"]) == (200, None)
    [listed] = tab.get("/api/v1/conversations").json()["conversations"]
    assert listed["id"] == chat["id"]
    assert len(tab.get(f"/api/v1/search?q={SECRET}").json()["hits"]) == 2


def test_a_key_begins_one_and_keeps_it(account: User, worker: Worker) -> None:
    program = Program(account)
    sent = program.send(temporary=True).json()
    path = f"/api/v1/conversations/{sent['conversation']}"
    assert program.get(path).json()["temporary_until"]
    assert Program(account).post(f"{path}/keep").status_code == 403
    assert program.post(f"{path}/keep").json()["temporary_until"] is None
    assert Conversation.objects.listed().exists()


def test_a_key_that_keeps_none_goes_on_keeping_none(
    account: User, worker: Worker
) -> None:
    program = Program(account, keeps_conversations=False)
    sent = program.send(temporary=True).json()
    path = f"/api/v1/conversations/{sent['conversation']}"
    assert program.get(path).json()["temporary_until"] is None
    assert program.post(f"{path}/keep").status_code == 404
    assert not Conversation.objects.with_page().exists()


def test_one_may_wait_until_workers_are_idle(tab: Client, worker: Worker) -> None:
    post(tab, "messages", text="hush", temporary=True, when_idle=True)
    assert worker.claim().is_helper
    assert Conversation.objects.get().is_temporary
