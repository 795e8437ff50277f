"""Forks: what is copied, what is not, and what a fork counts for."""

from __future__ import annotations

import pytest

from chat.models import Conversation, Message, Reply, User
from chat.services import reply_versions
from chat.services.errors import MessageRefused
from chat.services.fork import fork
from chat.services.jobs.request import request_for
from tests.chat.conftest import Worker
from tests.chat.conversation_data import long_conversation
from tests.chat.services.version_actions import collected

pytestmark = pytest.mark.django_db


def said(conversation: Conversation) -> list[str]:
    return [message.text for message in conversation.path()]


def test_the_path_up_to_a_reply_is_copied_with_settings(
    owner: User, worker: Worker, sent, done: Reply, committed
) -> None:
    source = done.message.conversation
    source.instructions, source.settings = "In rhyme.", {"temperature": 0.5}
    source.save()
    with committed():
        other = reply_versions.vary(done)
    collected(worker, other, "another version")
    sent(owner, "two", source)
    made = fork(done.message, owner)
    assert said(made) == ["one", "first"]
    assert made.title == f"↳ {source.title}"
    assert (made.instructions, made.settings) == ("In rhyme.", {"temperature": 0.5})
    assert made.messages.count() == 2  # no other version
    copy = Reply.objects.get(message=made.active_leaf)
    assert (copy.origin, copy.state, copy.seed) == ("copied", "done", done.seed)
    assert fork(made.active_leaf, owner).title == made.title  # one mark


def test_a_fork_goes_on_by_itself(
    owner: User, worker: Worker, sent, done: Reply
) -> None:
    made = fork(done.message, owner)
    reply = sent(owner, "two", made)
    turns = [turn.text for turn in request_for(reply).turns]
    assert turns == ["one", "first", "two"]
    collected(worker, reply, "second")
    assert said(done.message.conversation) == ["one", "first"]


def test_an_unfinished_reply_and_its_message_are_left_out(
    owner: User, sent, done: Reply
) -> None:
    growing = sent(owner, "two", done.message.conversation)
    assert said(fork(growing.message, owner)) == ["one", "first"]
    first = sent(owner, "alone")
    for message in (first.message, first.message.parent):
        with pytest.raises(MessageRefused) as refused:
            fork(message, owner)
        assert refused.value.code == "nothing_to_fork"
    assert Conversation.objects.count() == 3  # none of the refused ones


def test_from_a_message_of_a_user_its_reply_comes_along(
    owner: User, done: Reply
) -> None:
    assert said(fork(done.message.parent, owner)) == ["one", "first"]


def test_a_long_conversation_is_copied_in_order(
    owner: User, django_assert_max_num_queries
) -> None:
    source = long_conversation(owner, 1000)
    with django_assert_max_num_queries(100):
        made = fork(source.active_leaf, owner)
    assert said(made) == said(source)
    assert Message.objects.count() == 2000
