"""Deleted turns: what vanishes with them, what stays, and what comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from chat.models import Conversation, DeletedTurn, Message, Reply, User
from chat.services import reply_versions
from chat.services.errors import MessageRefused
from chat.services.feedback import rate
from chat.services.jobs.request import request_for
from chat.services.search.results import search
from chat.services.turn_deletion import (
    delete_turn,
    find_deleted_turn,
    remove_turns_for_good,
    restore_turn,
)
from tests.chat.conftest import Worker
from tests.chat.services.version_actions import collected

pytestmark = pytest.mark.django_db

ALL = ["one", "first", "two", "second", "three", "third"]


@pytest.fixture
def talk(owner: User, worker: Worker, sent, done: Reply) -> Conversation:
    """A conversation of three turns."""
    conversation = done.message.conversation
    for asked, answer in (("two", "second"), ("three", "third")):
        collected(worker, sent(owner, asked, conversation), answer)
    return conversation


def said(conversation: Conversation) -> list[str]:
    conversation.refresh_from_db()
    return [message.text for message in conversation.path()]


def delete(conversation: Conversation, text: str) -> DeletedTurn:
    return delete_turn(Message.objects.get(conversation=conversation, text=text))


@pytest.mark.parametrize("text", [*ALL])
def test_a_turn_vanishes_and_comes_back_as_it_was(
    talk: Conversation, text: str
) -> None:
    rate(Reply.objects.get(message__text="second"), "up", "Right")
    models = (Message, Reply, Conversation)
    before = [[*model.objects.order_by("pk").values()] for model in models]
    gone = delete(talk, text)
    first = ALL.index(text) // 2 * 2
    assert said(talk) == ALL[:first] + ALL[first + 2 :]
    restore_turn(gone)
    assert said(talk) == ALL
    after = [[*model.objects.order_by("pk").values()] for model in models]
    assert after == before
    restore_turn(gone)  # again, which changes nothing
    assert said(talk) == ALL


def test_the_context_of_the_next_reply_is_without_it(
    owner: User, sent, talk: Conversation
) -> None:
    delete(talk, "second")
    talk.refresh_from_db()
    reply = sent(owner, "four", talk)
    turns = [turn.text for turn in request_for(reply).turns]
    assert turns == ["one", "first", "three", "third", "four"]


@pytest.mark.parametrize("restored", [["one", "two"], ["two", "one"]])
@pytest.mark.parametrize("deleted", [["one", "two"], ["two", "one"]])
def test_neighbours_come_back_in_any_order(
    talk: Conversation, deleted: list[str], restored: list[str]
) -> None:
    gone = {text: delete(talk, text) for text in deleted}
    assert said(talk) == ["three", "third"]
    for text in restored:
        restore_turn(gone[text])
    assert said(talk) == ALL


def test_all_turns_may_go(owner: User, sent, talk: Conversation) -> None:
    gone = [delete(talk, text) for text in ("one", "two", "three")]
    assert said(talk) == []
    for turn in gone[::-1]:
        restore_turn(turn)
    assert said(talk) == ALL


def test_all_versions_of_message_and_reply_go_together(
    owner: User, worker: Worker, sent, talk: Conversation, committed
) -> None:
    with committed():
        other = reply_versions.vary(Reply.objects.get(message__text="second"))
    collected(worker, other, "variant")
    old = Message.objects.get(text="two")
    other = collected(worker, sent(owner, "too", talk, instead_of=old), "another")
    gone = delete(talk, "too")
    assert not {"two", "too", "second", "variant", "another"} & {
        *Message.objects.values_list("text", flat=True)
    }
    # What followed one of the versions is still there, behind the turn before.
    assert Message.objects.get(text="three").parent.text == "first"
    restore_turn(gone)
    assert said(talk) == ["one", "first", "too", "another"]
    assert Message.objects.get(text="three").parent.text == "second"


def test_search_no_longer_finds_it(owner: User, talk: Conversation) -> None:
    gone = delete(talk, "two")
    assert search(owner.pk, "second").hits == ()
    restore_turn(gone)
    assert len(search(owner.pk, "second").hits) == 1


def test_a_waiting_reply_is_stopped_and_messages_behind_it_go_on(
    owner: User, sent, worker: Worker, committed
) -> None:
    waiting = sent(owner, "one")
    held = sent(owner, "two", waiting.message.conversation)
    with committed():
        delete_turn(waiting.message)
    held.refresh_from_db()
    assert held.state == "queued"
    assert worker.claim().reply == str(held.pk)


def test_a_turn_that_a_worker_writes_is_stopped_first(
    owner: User, sent, worker: Worker
) -> None:
    reply = sent(owner, "one")
    claim = worker.claim()
    with pytest.raises(MessageRefused) as refused:
        delete_turn(reply.message)
    assert refused.value.code == "stopping"
    assert worker.write(claim, "So far") == "stop"
    assert Message.objects.count() == 2


def test_it_is_gone_for_good_after_some_hours(
    owner: User, talk: Conversation, settings
) -> None:
    gone = delete(talk, "two")
    settings.DELETED_KEEP_HOURS = 2
    assert not remove_turns_for_good()
    late = timezone.now() - timedelta(hours=3)
    DeletedTurn.objects.update(deleted_at=late)
    assert remove_turns_for_good()
    assert find_deleted_turn(owner.pk, gone.message) is None
    assert said(talk) == ["one", "first", "three", "third"]


def test_it_goes_with_its_conversation(owner: User, talk: Conversation) -> None:
    gone = delete(talk, "two")
    talk.deleted_at = timezone.now()
    talk.save()
    assert find_deleted_turn(owner.pk, gone.message) is None
    with pytest.raises(MessageRefused):
        restore_turn(gone)
    talk.delete()
    assert not DeletedTurn.objects.exists()
