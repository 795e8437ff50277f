"""How many messages a user may send, and what counts as one."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

import pytest
from django.db import connection

from chat.keeper import Keeper
from chat.models import Conversation, LimitBucket, Reply, User
from chat.services import held_messages, reply_versions
from chat.services.errors import MessageRefused
from chat.services.jobs.collect import collect
from chat.services.jobs.publish import publish
from chat.services.limits.remaining import remaining_limits
from chat.services.limits.rules import LimitKind, LimitScope
from chat.services.messages import send_message
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Clock, Worker
from tests.chat.services.limits.limit_actions import (
    NETWORK,
    ask,
    guest,
    left,
    refusal_of,
)

#: Time stands still until a test turns the clock.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_so_many_a_minute_and_one_more_when_it_came_back(
    settings, clock: Clock
) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE, owner = 3, guest()
    for _ in range(3):
        ask(owner)
    refused = refusal_of(owner)
    assert refused.code == "prompts_per_minute"
    assert refused.retry_seconds == 20
    assert "You’ve reached your limit of 3 messages a minute." in refused.message
    assert "send it again in 20 s" in refused.message
    clock.turn(20)
    ask(owner)
    assert refusal_of(owner).retry_seconds == 20


def test_a_refused_prompt_takes_nothing_of_any_limit(settings, clock: Clock) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE, settings.GUEST_MESSAGES_PER_DAY = 2, 10
    owner = guest(NETWORK)
    ask(owner, 2)
    for _ in range(5):
        refusal_of(owner)
    assert left(owner, LimitKind.MESSAGES_PER_DAY) == 8
    network = settings.NETWORK_MESSAGES_PER_DAY - 2
    assert left(owner, LimitKind.MESSAGES_PER_DAY, LimitScope.NETWORK) == network
    clock.turn(60)
    ask(owner, 2)


def test_the_limit_that_takes_longest_is_the_one_that_is_told(settings) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE = settings.GUEST_MESSAGES_PER_DAY = 1
    owner = guest()
    ask(owner)
    refused = refusal_of(owner)
    assert refused.code == "prompts_per_day"
    assert refused.retry_seconds == 24 * 3600


def test_several_replies_at_once_say_how_many_are_left(settings) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE, owner = 5, guest()
    ask(owner, 3)
    refused = refusal_of(owner, 4)
    assert "2 left; this needs 4." in refused.message
    assert refused.retry_seconds == 24
    ask(owner, 2)


def test_what_passes_a_small_limit_alone_is_not_refused_forever(settings) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE, owner = 2, guest()
    ask(owner, 4)
    assert refusal_of(owner).retry_seconds == 60  # the rest is forgiven


def test_no_limit_is_no_limit_and_leaves_no_row(settings) -> None:
    for whose in LimitScope:
        for kind in ("MESSAGES_PER_MINUTE", "MESSAGES_PER_DAY", "TOKENS_PER_DAY"):
            setattr(settings, f"{whose.name}_{kind}", None)
    owner = guest(NETWORK)
    for _ in range(200):
        ask(owner)
    assert not LimitBucket.objects.exists()
    assert {one.kind for one in remaining_limits(owner)} == {LimitKind.REPLIES_WAITING}


@pytest.fixture
def done(owner: User, worker: Worker, sent, settings) -> Reply:
    """A reply that ended; four messages a minute are left after it."""
    settings.GUEST_MESSAGES_PER_MINUTE = 5
    reply: Reply = sent(owner, "one", key="k")
    ended = collect(worker.answer("1", is_length_limited=True).reply)
    assert ended is not None
    return reply if ended is None else ended


def minutes_left(owner: User) -> int:
    return left(owner, LimitKind.MESSAGES_PER_MINUTE)


def test_sending_the_same_again_counts_once(owner: User, done: Reply, sent) -> None:
    assert minutes_left(owner) == 4
    sent(owner, "one", key="k")
    assert minutes_left(owner) == 4


@pytest.mark.parametrize(
    ("act", "count"),
    [
        (reply_versions.vary, 1),
        (lambda reply: reply_versions.vary(reply, 3), 3),
        (reply_versions.repeat, 1),
        (reply_versions.resume, 1),
    ],
)
def test_every_further_reply_counts(
    act: Callable[[Reply], Reply], count: int, owner: User, done: Reply
) -> None:
    act(done)
    assert minutes_left(owner) == 4 - count
    act(done)  # they are to come already
    assert minutes_left(owner) == 4 - count


def test_a_reply_tried_again_counts_and_one_that_went_well_does_not(
    owner: User, done: Reply, worker: Worker, sent
) -> None:
    reply_versions.retry(done)
    assert minutes_left(owner) == 4
    sent(owner, "two", done.message.conversation)
    failed = collect(worker.answer("", outcome=wire.Outcome.FAILED).reply)
    assert failed is not None
    reply_versions.retry(failed)
    assert minutes_left(owner) == 2


def test_what_is_held_changed_released_or_published_anew_counts_no_second_time(
    owner: User, done: Reply, worker: Worker, sent, committed
) -> None:
    conversation = done.message.conversation
    sent(owner, "two", conversation)
    held = sent(owner, "three", conversation)
    assert minutes_left(owner) == 2
    held_messages.edit(held, "three, changed")
    with committed():
        collect(worker.answer("", outcome=wire.Outcome.FAILED).reply)
        held.refresh_from_db()
        held_messages.release(held)
    assert held.publish_again()
    publish(held)
    Keeper().sweep()
    assert minutes_left(owner) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_together", [False, True])
def test_of_many_sent_at_once_no_more_pass_than_are_left(
    is_together: bool, box: Mailbox, settings
) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE = settings.NETWORK_MESSAGES_PER_MINUTE = 3
    one = guest(NETWORK)
    owners = [guest(NETWORK) if is_together else one for _ in range(8)]
    start, passed = threading.Barrier(8), []

    def send_one(owner: User) -> None:
        start.wait()
        try:
            passed.append(send_message(owner, "hello", uuid.uuid4().hex))
        except MessageRefused:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=send_one, args=(owner,)) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == Reply.objects.count() == box.waiting("scripted") == 3


def test_a_guest_who_signs_up_keeps_what_was_taken(settings, clock: Clock) -> None:
    settings.GUEST_MESSAGES_PER_DAY, settings.ACCOUNT_MESSAGES_PER_DAY = 10, 20
    owner = guest(NETWORK)
    ask(owner, 10)
    owner.username = "somebody"
    owner.save()
    assert left(owner, LimitKind.MESSAGES_PER_DAY) == 0
    clock.turn(12 * 3600)
    assert left(owner, LimitKind.MESSAGES_PER_DAY) == 10


def test_a_conversation_begun_is_none_when_its_prompt_is_refused(
    box: Mailbox, settings, sent
) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE, owner = 1, guest()
    sent(owner)
    with pytest.raises(MessageRefused):
        sent(owner, "another")
    assert Conversation.objects.count() == 1
