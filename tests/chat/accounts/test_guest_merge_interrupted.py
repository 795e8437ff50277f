"""Merging a guest while other processes act, or after one has died."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.conf import LazySettings
from django.db import connections
from django.test import Client

from chat.accounts.guest_merge import merge_guest
from chat.keeper import Keeper
from chat.models import (
    Conversation,
    Message,
    Reply,
    User,
)
from chat.services.errors import MessageRefused
from chat.services.messages import send_message
from chatsite.mailbox import Mailbox, QueuedReply, RunningReply
from tests.chat.accounts.conftest import Worker
from tests.chat.accounts.mailbox_replies import mailbox_replies
from tests.chat.pages import poll_url, text_of
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db


def merge_without_mailbox(
    guest: User, account: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("chat.accounts.guest_merge.hand_over", lambda *_: None)
        merge_guest(guest.pk, account)


def test_the_next_poll_completes_an_interrupted_merge(
    guest: User,
    account: User,
    worker: Worker,
    sent,
    client_of: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reply = sent(guest, "Tell me")
    page = client_of(guest).get(f"/c/{reply.message.conversation_id}/")
    claim = worker.claim()
    worker.write(claim, "Once")
    merge_without_mailbox(guest, account, monkeypatch)
    answer = client_of(account).get(poll_url(page))
    assert answer.status_code == 200
    assert "Once" in text_of(answer)


def test_a_poll_of_another_user_completes_no_merge(
    guest: User, sent, worker: Worker, client_of: Callable[[User], Client], box: Mailbox
) -> None:
    reply = sent(guest, "Tell me")
    page = client_of(guest).get(f"/c/{reply.message.conversation_id}/")
    stranger = client_of(User.objects.create_user("wasp"))
    assert stranger.get(poll_url(page)).status_code == 404
    [entry] = box.publications([str(reply.pk)])
    assert entry.owner == str(guest.pk)


def test_the_keeper_completes_an_interrupted_merge(
    guest: User,
    account: User,
    box: Mailbox,
    sent,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reply = sent(guest, "Tell me")
    merge_without_mailbox(guest, account, monkeypatch)
    [entry] = box.publications([str(reply.pk)])
    assert entry.owner == str(guest.pk)
    Reply.objects.update(published_at=reply.published_at.replace(year=2020))
    Keeper().sweep()
    [entry] = box.publications([str(reply.pk)])
    assert entry.owner == str(account.pk)
    (entry,) = mailbox_replies(box, account, reply)
    assert isinstance(entry, QueuedReply)


def test_without_redis_replies_change_owner_later(
    guest: User, account: User, valkey: Valkey, worker: Worker, sent, box: Mailbox
) -> None:
    reply = sent(guest, "Tell me")
    valkey.stop()
    try:
        assert merge_guest(guest.pk, account) == 1
    finally:
        valkey.start()
    box.connection.forgive()
    Reply.objects.update(published_at=reply.published_at.replace(year=2020))
    Keeper().sweep()
    claim = worker.claim()
    worker.write(claim, "Once")
    (entry,) = mailbox_replies(box, account, reply)
    assert isinstance(entry, RunningReply)


@pytest.mark.django_db(transaction=True)
def test_messages_sent_during_a_merge_are_not_lost(
    box: Mailbox, settings: LazySettings
) -> None:
    for limit in ("MESSAGES_PER_MINUTE", "MESSAGES_PER_DAY", "REPLIES_WAITING"):
        setattr(settings, f"GUEST_{limit}", None)
    settings.HELD_MESSAGES_MAX = 1_000_000
    account = User.objects.create_user("bee")
    guest = User.objects.guest(uuid.uuid4())
    first = send_message(guest, "first", "first").message.conversation
    accepted, has_begun = [], Event()

    def keep_sending(number: int) -> None:
        for turn in range(25):
            text = f"{number} {turn}"
            talk = Conversation.objects.get(pk=first.pk) if turn % 2 else None
            try:
                send_message(guest, text, text, talk)
            except MessageRefused as refused:
                assert refused.code == "closed"
                break
            else:
                accepted.append(text)
                has_begun.set()
        connections.close_all()

    with ThreadPoolExecutor(4) as people:
        senders = [people.submit(keep_sending, number) for number in range(4)]
        assert has_begun.wait(20)
        merge_guest(guest.pk, account)
        for sender in senders:
            sender.result()
    kept = Message.objects.filter(role="user", owner=account)
    assert {*kept.values_list("text", flat=True)} == {"first", *accepted}
    assert not Message.objects.exclude(owner=account).exists()
    assert not Conversation.objects.exclude(owner=account).exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_merges_at_once_one_moves_the_conversations(box: Mailbox) -> None:
    account = User.objects.create_user("bee")
    guest = User.objects.guest(uuid.uuid4())
    for number in range(5):
        Conversation.objects.create(owner=guest, title=str(number))

    def take(_number: int) -> int:
        try:
            return merge_guest(guest.pk, account)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as people:
        counts = list(people.map(take, range(4)))
    assert sorted(counts) == [0, 0, 0, 5]
