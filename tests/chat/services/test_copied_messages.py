"""Copies of messages: what they keep, and where they do not count."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from chat.models import Conversation, Message, Origin, Reply, Sample, User
from chat.services.copied_messages import (
    ROWS,
    NewMessage,
    copies_of_path,
    insert_messages,
)
from chat.services.operation.samples import take_samples
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker
from tests.chat.services.version_actions import collected

pytestmark = pytest.mark.django_db


def copied(reply: Reply) -> Conversation:
    """Copy the path to a reply into a new conversation of its owner."""
    source = reply.message.conversation
    into = Conversation.objects.create(owner=source.owner, title="a copy")
    with transaction.atomic():
        copies = list(copies_of_path(source, reply.pk))
        insert_messages(into, copies, Origin.COPIED)
        into.active_leaf_id = copies[-1].pk
        into.save()
    return into


def test_a_copy_keeps_texts_times_and_how_a_reply_was_made(done: Reply) -> None:
    when = timezone.now() - timedelta(days=3)
    Message.objects.update(created_at=when)
    Reply.objects.update(finished_at=when)
    path = copied(done).path()
    source = done.message.conversation.path()
    assert [(m.role, m.text, m.created_at) for m in path] == [
        (m.role, m.text, when) for m in source
    ]
    assert not {m.pk for m in path} & {m.pk for m in source}
    reply = path[-1].reply
    assert (reply.origin, reply.state, reply.model) == ("copied", "done", done.model)
    assert (reply.seed, reply.finished_at) == (done.seed, when)


def test_a_path_ends_before_an_unfinished_reply_and_its_message(
    done: Reply, owner: User, sent: Callable[..., Reply]
) -> None:
    waiting = sent(owner, "and then?", done.message.conversation)
    texts = [m.text for m in copies_of_path(waiting.message.conversation, waiting.pk)]
    assert texts == [m.text for m in done.message.conversation.path(done.pk)]


def test_copies_count_in_no_chart(
    owner: User, worker: Worker, box: Mailbox, sent: Callable[..., Reply]
) -> None:
    reply = collected(worker, sent(owner, "hello"), "words")
    minute = timezone.now().replace(second=0, microsecond=0) - timedelta(seconds=30)
    Reply.objects.update(finished_at=minute)
    copied(reply)
    take_samples()
    assert Sample.objects.get().done == 1


def test_a_long_path_is_stored_in_order(owner: User) -> None:
    into = Conversation.objects.create(owner=owner, title="long")
    parent, messages = None, []
    for number in range(2 * ROWS + 1):
        messages.append(NewMessage(str(number), timezone.now(), parent))
        parent = messages[-1].pk
    assert insert_messages(into, iter(messages), Origin.IMPORTED) == 2 * ROWS + 1
    path = into.path(parent)
    assert [m.text for m in path] == [str(n) for n in range(2 * ROWS + 1)]
