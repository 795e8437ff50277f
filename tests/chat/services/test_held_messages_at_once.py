"""Prompts sent ahead that are stopped or removed at once, and what is behind them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest
from django.db import connection

from chat.keeper import Keeper
from chat.models import Reply, User
from chat.services import held_messages, reply_versions
from chat.services.jobs import stop
from chat.services.messages import send_message
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker

pytestmark = pytest.mark.django_db(transaction=True)


def fetched(reply: Reply) -> Reply:
    return Reply.objects.with_path().get(pk=reply.pk)


def all_at_once(act: Callable[[Reply], None], replies: Sequence[Reply]) -> None:
    """Each in a thread of its own, as it was before any of them."""
    rows = [fetched(reply) for reply in replies]
    start, errors = threading.Barrier(len(rows)), []

    def run(row: Reply) -> None:
        try:
            start.wait()
            act(row)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[row]) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.fixture
def line(owner: User, box: Mailbox) -> list[Reply]:
    """One in line and eight sent ahead."""
    first = send_message(owner, "0", "0")
    conversation = first.message.conversation
    return [
        first,
        *(send_message(owner, f"{n}", f"{n}", conversation) for n in range(1, 9)),
    ]


@pytest.mark.parametrize("act", [held_messages.remove, stop.stop_reply])
def test_all_but_the_last_go_at_once_and_the_last_has_its_turn(
    act: Callable[[Reply], None], line: list[Reply], worker: Worker
) -> None:
    first, *middle, last = line
    all_at_once(act, middle)
    worker.answer("done")
    Keeper().sweep()
    assert fetched(last).state == "queued"
    path = fetched(last).message.conversation.path()
    assert [m.pk for m in path][-3::2] == [first.message.pk, last.message.pk]


def test_what_is_sent_after_a_stop_of_one_ahead_waits_for_nobody(
    owner: User, line: list[Reply], worker: Worker
) -> None:
    for reply in line[1:]:
        stop.stop_reply(fetched(reply))
    after = send_message(owner, "after", "after", fetched(line[0]).message.conversation)
    worker.answer("done")
    Keeper().sweep()
    assert fetched(after).state == "queued"


def test_what_came_after_a_failed_reply_comes_after_the_new_one(
    owner: User, box: Mailbox, worker: Worker
) -> None:
    first = send_message(owner, "one", "1")
    worker.finish(worker.claim(), "half", outcome="failed")
    Keeper().sweep()
    conversation = first.message.conversation
    second = send_message(owner, "two", "2", fetched(first).message.conversation)
    worker.answer("second")
    Keeper().sweep()
    fresh = reply_versions.retry(fetched(first))
    conversation.refresh_from_db()
    path = [message.pk for message in conversation.path()]
    assert path[1::2] == [fresh.message.pk, second.message.pk]
    assert len(path) == 4
