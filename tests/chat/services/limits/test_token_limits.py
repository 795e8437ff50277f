"""How many tokens a user may have generated."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from django.db import connection, transaction

from chat.models import LimitBucket, Reply, User
from chat.services.jobs.collect import collect
from chat.services.limits.remaining import scarce_limit
from chat.services.limits.rules import LimitKind, LimitScope
from chat.services.limits.usage import charge_tokens
from chatsite.mailbox import Mailbox
from chatsite.model_choice import current_catalog, model_entry
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


def end(owner: User, worker: Worker, sent, **said: Any) -> Reply:
    sent(owner, uuid.uuid4().hex)
    claim = worker.claim()
    worker.finish(claim, "yes", **said)
    ended = collect(claim.reply)
    assert ended is not None
    return ended


def test_tokens_are_charged_once_when_a_reply_ended(
    worker: Worker, settings, sent
) -> None:
    settings.GUEST_TOKENS_PER_DAY, owner = 100, guest(NETWORK)
    reply = end(owner, worker, sent)
    assert (reply.prompt_tokens, reply.new_tokens) == (5, 2)
    assert left(owner, LimitKind.TOKENS_PER_DAY) == 93
    collect(str(reply.pk))
    assert left(owner, LimitKind.TOKENS_PER_DAY) == 93
    network = settings.NETWORK_TOKENS_PER_DAY - 7
    assert left(owner, LimitKind.TOKENS_PER_DAY, LimitScope.NETWORK) == network


def test_no_count_of_a_worker_takes_more_than_its_reply_can_have_taken(
    worker: Worker, settings, sent, caplog: pytest.LogCaptureFixture
) -> None:
    settings.GUEST_TOKENS_PER_DAY, owner = 100_000, guest()
    settings.NETWORK_TOKENS_PER_DAY = 0
    reply = end(owner, worker, sent, prompt_tokens=10**9, new_tokens=10**9)
    context, asked_for = model_entry().context_tokens, reply.settings["max_new_tokens"]
    assert (reply.prompt_tokens, reply.new_tokens) == (context, asked_for)
    assert left(owner, LimitKind.TOKENS_PER_DAY) == 100_000 - context - asked_for
    assert "counted more tokens than it can have taken" in caplog.text


def test_tokens_of_a_model_that_has_left_the_catalogue_are_bounded_as_well(
    worker: Worker, settings, sent
) -> None:
    settings.GUEST_TOKENS_PER_DAY, owner = 100_000, guest()
    sent(owner, "one")
    Reply.objects.update(model="gone")
    claim = worker.claim()
    worker.finish(claim, "yes", prompt_tokens=10**9)
    reply = collect(claim.reply)
    assert reply is not None
    longest = max(one.context_tokens for one in current_catalog().models.values())
    assert reply.prompt_tokens == longest


def test_a_reply_may_leave_a_debt_and_then_there_is_a_wait_of_a_day_at_most(
    worker: Worker, settings, sent, clock: Clock
) -> None:
    settings.GUEST_TOKENS_PER_DAY, owner = 6, guest()
    for count in (1, 2):
        if count == 2:
            LimitBucket.objects.filter(kind=LimitKind.TOKENS_PER_DAY).delete()
        end(owner, worker, sent)
    refused = refusal_of(owner)
    assert refused.code == "tokens_per_day"
    assert refused.retry_seconds == 8 * 3600
    assert "6 tokens a day" in refused.message
    clock.turn(8 * 3600)
    ask(owner)


def test_a_reply_taken_back_in_line_costs_no_tokens(box: Mailbox, sent) -> None:
    owner = guest()
    reply = sent(owner)
    box.stop(str(reply.pk))
    collect(str(reply.pk))
    assert not LimitBucket.objects.filter(kind=LimitKind.TOKENS_PER_DAY).exists()


@pytest.mark.django_db(transaction=True)
def test_of_replies_that_end_at_once_each_is_charged(settings) -> None:
    settings.NETWORK_TOKENS_PER_DAY = 1000
    owners = [guest(NETWORK) for _ in range(4)]
    start = threading.Barrier(8)

    def end_one(owner: User) -> None:
        start.wait()
        with transaction.atomic():
            charge_tokens(owner, 7)
        connection.close()

    threads = [threading.Thread(target=end_one, args=(o,)) for o in owners * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert left(owners[0], LimitKind.TOKENS_PER_DAY, LimitScope.NETWORK) == 1000 - 8 * 7


def test_a_debt_of_tokens_is_back_at_a_time_of_another_day(
    worker: Worker, settings, sent
) -> None:
    settings.GUEST_TOKENS_PER_DAY, owner = 4, guest()
    end(owner, worker, sent)
    found = scarce_limit(owner)
    assert found is not None
    assert found.text == "0 of 4 tokens left today"
    assert found.refill == "more tomorrow at 8:00 AM"
    assert found.full_seconds == 42 * 3600
