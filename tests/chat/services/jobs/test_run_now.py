"""Replies that wait until workers are idle, and how they leave that line."""

from __future__ import annotations

import uuid

import pytest

from chat.keeper import Keeper
from chat.models import Reply, User
from chat.services import reply_versions
from chat.services.jobs.run_now import run_now
from chat.services.jobs.stop import stop_reply
from chat.services.messages import send_message
from chatsite.mailbox import Mailbox, open_mailbox
from tests.chat.conftest import Worker
from tests.chat.services.jobs.test_reconcile import long_ago
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db


def another() -> User:
    return User.objects.guest(uuid.uuid4())


def fresh(reply: Reply) -> Reply:
    return Reply.objects.with_path().get(pk=reply.pk)


def test_a_message_for_idle_time_lets_a_later_one_of_another_person_go_first(
    owner: User, sent, worker: Worker
) -> None:
    late = sent(owner, "late", when_idle=True)
    first = sent(another(), "first")
    assert [worker.claim().reply for _ in range(2)] == [str(first.pk), str(late.pk)]


def test_it_also_lets_the_owners_own_messages_go_first(
    owner: User, sent, worker: Worker
) -> None:
    late, first = sent(owner, "late", when_idle=True), sent(owner, "first")
    assert [worker.claim().reply for _ in range(2)] == [str(first.pk), str(late.pk)]


def test_a_worker_claims_it_as_a_helper_job(owner: User, sent, worker: Worker) -> None:
    sent(owner, when_idle=True)
    assert worker.claim().is_helper


def test_it_counts_as_use_of_the_person_like_any_other(
    owner: User, sent, worker: Worker
) -> None:
    reply = sent(owner, when_idle=True)
    assert Reply.objects.generated().of_no_batch().filter(pk=reply.pk).exists()
    assert reply.key_id is None


def test_a_message_behind_it_in_its_conversation_waits_with_it(
    owner: User, sent, worker: Worker, box: Mailbox
) -> None:
    late = sent(owner, "late", when_idle=True)
    behind = sent(owner, "behind", conversation=late.message.conversation)
    assert fresh(behind).state == "held"
    worker.answer("Now.")
    Keeper().sweep()
    assert not worker.claim().is_helper
    assert fresh(behind).state == "queued"


def test_a_held_one_joins_the_line_for_idle_time_at_its_turn(
    owner: User, sent, worker: Worker
) -> None:
    before = sent(owner, "before")
    sent(owner, "late", conversation=before.message.conversation, when_idle=True)
    worker.answer("Now.")
    Keeper().sweep()
    assert worker.claim().is_helper


def test_redis_may_lose_it_and_it_still_waits_for_idle_time(
    owner: User, sent, worker: Worker, valkey: Valkey
) -> None:
    reply = sent(owner, when_idle=True)
    long_ago(reply)
    valkey.client.flushall()
    Keeper().sweep()
    claim = worker.claim()
    assert (claim.reply, claim.attempt, claim.is_helper) == (str(reply.pk), 2, True)


def test_a_web_process_may_die_before_it_is_in_line(
    owner: User, worker: Worker
) -> None:
    """What was to happen on commit never happens here."""
    reply = send_message(owner, "late", "key", when_idle=True)
    long_ago(reply)
    Keeper().sweep()
    claim = worker.claim()
    assert (claim.reply, claim.is_helper) == (str(reply.pk), True)


def test_a_worker_may_be_lost_with_it_and_it_still_waits_for_idle_time(
    owner: User, sent, worker: Worker, box: Mailbox
) -> None:
    sent(owner, when_idle=True)
    worker.claim(lease_seconds=0)
    [lost] = box.take_back(3)
    claim = worker.claim()
    assert (claim.reply, claim.losses, claim.is_helper) == (lost.reply, 1, True)


def test_run_now_gives_it_the_place_of_a_message_that_is_sent_now(
    owner: User, sent, worker: Worker
) -> None:
    # Texts of one length have one cost, so the first to join goes first.
    late, first = sent(owner, "one", when_idle=True), sent(another(), "two")
    run_now(fresh(late))
    run_now(fresh(late))
    last = sent(another(), "six")
    claims = [worker.claim() for _ in range(3)]
    assert [one.reply for one in claims] == [str(one.pk) for one in (first, late, last)]
    assert not any(one.is_helper for one in claims)


def test_run_now_rings_a_bell(owner: User, sent, valkey: Valkey, box: Mailbox) -> None:
    reply = fresh(sent(owner, when_idle=True))
    valkey.client.delete("chat:generate.scripted")
    run_now(reply)
    assert valkey.client.llen("chat:generate.scripted") == 1
    run_now(reply)
    assert valkey.client.llen("chat:generate.scripted") == 1


def test_run_now_leaves_a_reply_alone_that_is_being_written(
    owner: User, sent, worker: Worker
) -> None:
    reply = sent(owner, when_idle=True)
    claim = worker.claim()
    worker.write(claim, "So far")
    run_now(fresh(reply))
    assert worker.finish(claim, "So far, so good.") == "kept"
    Keeper().sweep()
    assert fresh(reply).message.text == "So far, so good."


def test_run_now_holds_when_redis_loses_the_entry(
    owner: User, sent, worker: Worker, valkey: Valkey
) -> None:
    reply = sent(owner, when_idle=True)
    run_now(fresh(reply))
    long_ago(reply)
    valkey.client.flushall()
    Keeper().sweep()
    assert not worker.claim().is_helper


def test_run_now_lets_a_held_one_join_the_ordinary_line_at_its_turn(
    owner: User, sent, worker: Worker
) -> None:
    before = sent(owner, "before")
    more = {"conversation": before.message.conversation, "when_idle": True}
    run_now(fresh(sent(owner, "late", **more)))
    worker.answer("Now.")
    Keeper().sweep()
    assert not worker.claim().is_helper


def test_run_now_without_redis_changes_the_row(
    owner: User, sent, valkey: Valkey
) -> None:
    reply = sent(owner, when_idle=True)
    valkey.stop()
    try:
        run_now(fresh(reply))
    finally:
        valkey.start()
        open_mailbox().connection.forgive()
    assert not fresh(reply).is_helper


def test_a_reply_that_was_given_up_without_a_call_is_no_helper_job(
    owner: User, sent, box: Mailbox
) -> None:
    reply = sent(owner)
    stop_reply(fresh(reply), is_given_up=True)
    assert not fresh(reply).is_helper


def test_it_can_be_stopped_while_it_waits(
    owner: User, sent, worker: Worker, box: Mailbox
) -> None:
    reply = sent(owner, when_idle=True)
    stop_reply(fresh(reply))
    assert fresh(reply).state == "stopped"
    assert worker.claim_if_any() is None


def test_a_retry_waits_for_idle_time_as_well(
    owner: User, sent, committed, worker: Worker
) -> None:
    reply = sent(owner, when_idle=True)
    stop_reply(fresh(reply))
    with committed():
        again = reply_versions.retry(fresh(reply))
    assert again.when_idle
    assert worker.claim().is_helper


def test_the_rest_of_a_reply_that_was_cut_waits_for_idle_time_as_well(
    owner: User, sent, committed, worker: Worker
) -> None:
    reply = sent(owner, when_idle=True)
    worker.answer("So far", is_length_limited=True)
    Keeper().sweep()
    with committed():
        reply_versions.resume(fresh(reply))
    claim = worker.claim()
    assert claim.is_helper
    worker.finish(claim, " and on")
    Keeper().sweep()
    newest = Reply.objects.with_path().order_by("message__created_at").last()
    assert newest is not None
    assert newest.message.text == "So far and on"


def test_another_version_is_for_now(
    owner: User, sent, committed, worker: Worker
) -> None:
    reply = sent(owner, when_idle=True)
    worker.answer("Done.")
    Keeper().sweep()
    with committed():
        reply_versions.vary(fresh(reply))
    assert not worker.claim().is_helper


def test_a_retry_after_run_now_is_for_now(
    owner: User, sent, committed, worker: Worker
) -> None:
    reply = sent(owner, when_idle=True)
    run_now(fresh(reply))
    stop_reply(fresh(reply))
    with committed():
        reply_versions.retry(fresh(reply))
    assert not worker.claim().is_helper
