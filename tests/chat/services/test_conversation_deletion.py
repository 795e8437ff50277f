"""What deleting means for replies, for whoever asks for them, and for the keeper."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from chat.keeper import Keeper
from chat.models import Conversation, Message, Reply, User
from chat.services import conversation_deletion, messages, reply_versions
from chat.services.errors import MessageRefused
from chatsite import wire
from chatsite.mailbox import Mailbox, open_mailbox
from tests.chat.conftest import Worker
from tests.chat.conversation_data import make_conversations
from tests.chat.pages import text_of
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db


@pytest.fixture
def delete(committed) -> Callable[[Conversation], None]:
    def delete_now(conversation: Conversation) -> None:
        with committed():
            conversation_deletion.delete(conversation)

    return delete_now


def states() -> list[str]:
    rows = Reply.objects.order_by("message__created_at")
    return list(rows.values_list("state", flat=True))


def test_whatever_is_to_come_is_stopped_and_nothing_moves_up(
    owner: User, box: Mailbox, worker: Worker, sent, delete
) -> None:
    conversation = sent(owner, "one").message.conversation
    for text in ("two", "three", "four"):
        sent(owner, text, conversation)
    elsewhere = sent(owner, "five")
    delete(conversation)
    assert states() == ["stopped"] * 4 + ["queued"]
    assert box.waiting("scripted") == 1
    assert worker.claim().reply == str(elsewhere.pk)
    conversation_deletion.restore(Conversation.objects.get(pk=conversation.pk))
    Keeper().sweep()
    assert states() == ["stopped"] * 4 + ["queued"]


def test_a_reply_being_written_is_told_to_stop(
    owner: User, box: Mailbox, worker: Worker, sent, delete
) -> None:
    reply = sent(owner)
    claim = worker.claim()
    worker.write(claim, "So far")
    delete(reply.message.conversation)
    assert worker.write(claim, " and on", offset=6) == "stop"


def test_while_redis_is_away_the_keeper_stops_them_later(
    owner: User, valkey: Valkey, sent, delete
) -> None:
    conversation = sent(owner).message.conversation
    sent(owner, "two", conversation)
    valkey.stop()
    try:
        delete(conversation)
        assert states() == ["queued", "stopped"]
    finally:
        valkey.start()
        open_mailbox().connection.forgive()
    Keeper().sweep()
    assert states() == ["stopped", "stopped"]


def test_who_died_in_the_middle_leaves_the_stops_to_the_keeper(
    owner: User, box: Mailbox, sent, monkeypatch: pytest.MonkeyPatch, delete
) -> None:
    conversation = sent(owner).message.conversation
    sent(owner, "two", conversation)
    with monkeypatch.context() as patch:
        patch.setattr(conversation_deletion, "_stop", lambda _: None)
        delete(conversation)
    keeper = Keeper()
    for _ in range(3):
        keeper.sweep()
    assert states()[0] == "stopped"
    assert box.waiting("scripted") == 0


def test_nothing_can_be_sent_or_tried_again_in_one_that_is_gone(
    owner: User, box: Mailbox, worker: Worker, sent, delete
) -> None:
    reply = sent(owner)
    worker.finish(worker.claim(), "So", wire.Outcome.FAILED)
    stale = reply.message.conversation
    delete(stale)
    with pytest.raises(MessageRefused) as refused:
        messages.send_message(owner, "more", "another-key", stale)
    assert refused.value.code == "deleted"
    failed = Reply.objects.with_path().get(pk=reply.pk)
    with pytest.raises(MessageRefused):
        reply_versions.retry(failed)
    assert Message.objects.count() == 2


def test_the_same_prompt_sent_again_does_not_lead_into_what_is_gone(
    owner: User, box: Mailbox, sent, delete
) -> None:
    reply = sent(owner, "hello", key="the-key")
    delete(reply.message.conversation)
    with pytest.raises(MessageRefused) as refused:
        messages.send_message(owner, "hello", "the-key")
    assert refused.value.code == "deleted"


def test_nobody_finds_it_nor_its_replies(
    tab: Client, owner: User, box: Mailbox, worker: Worker, sent, delete
) -> None:
    reply = sent(owner, "a secret")
    second = sent(owner, "two", reply.message.conversation)
    claim = worker.claim()
    worker.write(claim, "so secret")
    talk = reply.message.conversation_id
    tab.get("/")
    delete(reply.message.conversation)

    def all_are_gone() -> None:
        for path in (
            f"/c/{talk}/",
            f"/c/{talk}/rename/",
            f"/r/{reply.pk}/frame/",
            f"/r/{second.pk}/edit/",
            f"/api/v1/replies/{reply.pk}",
            f"/api/v1/replies/{second.pk}",
            f"/poll/?r={reply.pk}:0:0",
        ):
            answer = tab.get(path)
            assert answer.status_code == 404, path
            assert "secret" not in text_of(answer)
        for path in (
            f"/c/{talk}/send/",
            *(f"/r/{reply.pk}/{call}/" for call in ("stop", "retry")),
            *(f"/r/{second.pk}/{call}/" for call in ("proceed", "remove", "edit")),
            *(f"/api/v1/replies/{reply.pk}/{call}" for call in ("stop", "retry")),
        ):
            assert tab.post(path, {"text": "x"}).status_code == 404, path
        body = f'{{"text": "x", "conversation": "{talk}"}}'
        sent = tab.post("/api/v1/messages", body, content_type="application/json")
        assert sent.status_code == 404

    all_are_gone()  # while its worker has not heard of the stop
    worker.write(claim, " so secret", offset=9)
    worker.finish(claim, "so secret")
    all_are_gone()
    Keeper().sweep()
    all_are_gone()
    open_mailbox().connection.client.flushall()
    all_are_gone()


def test_the_keeper_removes_for_good_what_can_no_longer_be_restored(
    owner: User, box: Mailbox, sent, settings, monkeypatch: pytest.MonkeyPatch, delete
) -> None:
    monkeypatch.setattr(conversation_deletion, "BATCH", 2)
    settings.DELETED_KEEP_HOURS = 24
    talk = sent(owner).message.conversation
    make_conversations(owner, 4)
    kept = make_conversations(owner, 1)[0]
    delete(talk)
    conversation_deletion.delete_all(owner.pk)
    now = timezone.now()
    deleted = Conversation.objects.deleted()
    deleted.update(deleted_at=now - timedelta(hours=25))
    deleted.filter(pk=kept.pk).update(deleted_at=now - timedelta(hours=23))
    left = []
    for _ in range(4):
        conversation_deletion.remove_for_good()
        left.append(Conversation.objects.count())
    assert left == [4, 2, 1, 1]
    assert Message.objects.count() == Reply.objects.count() == 0


def test_the_sweep_removes_them(owner: User, box: Mailbox, settings) -> None:
    make_conversations(owner, 1)
    conversation_deletion.delete_all(owner.pk)
    Keeper().sweep()
    assert Conversation.objects.count() == 1
    settings.DELETED_KEEP_HOURS = 0
    Keeper().sweep()
    assert Conversation.objects.count() == 0


def test_only_those_deleted_together_come_back_together(
    owner: User, box: Mailbox, delete
) -> None:
    alone, *_ = make_conversations(owner, 3)
    delete(alone)
    make_conversations(User.objects.guest(uuid.uuid4()), 1)
    one = conversation_deletion.delete_all(owner.pk)
    assert one is not None
    assert conversation_deletion.restore(one) == 2
    assert conversation_deletion.restore(Conversation.objects.get(pk=alone.pk)) == 1
