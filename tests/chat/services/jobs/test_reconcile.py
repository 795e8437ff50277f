from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from chat.keeper import Keeper
from chat.models import Reply, User
from chat.services.jobs import reconcile
from chat.services.jobs.reconcile import ExtraBells
from chat.services.jobs.stop import stop_reply
from chatsite import wire
from chatsite.mailbox import Mailbox, MailboxAway, open_mailbox
from tests.valkey import Valkey


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["fresh", "idle"])
def keeper(request: pytest.FixtureRequest, clock: Clock) -> Keeper:
    """A keeper that has just started, or one whose sweeps found nothing before."""
    keeper = Keeper(clock)
    if request.param == "idle":
        request.getfixturevalue("db")
        request.getfixturevalue("box")
        for _ in range(10):
            keeper.sweep()
    return keeper


def bells(valkey: Valkey) -> int:
    return int(valkey.client.llen("chat:generate.scripted"))


def long_ago(reply: Reply) -> None:
    past = timezone.now() - timedelta(minutes=1)
    Reply.objects.filter(pk=reply.pk).update(published_at=past)


@pytest.mark.django_db
class TestSweep:
    def test_what_ended_is_collected(
        self, owner: User, box: Mailbox, sent, worker, keeper: Keeper
    ) -> None:
        reply = sent(owner)
        worker.answer("done")
        keeper.sweep()
        assert Reply.objects.get(pk=reply.pk).state == "done"

    def test_what_redis_forgot_is_published_again_as_the_next_attempt(
        self, owner: User, valkey: Valkey, box: Mailbox, sent, keeper: Keeper
    ) -> None:
        reply = sent(owner)
        valkey.client.flushall()
        long_ago(reply)
        keeper.sweep()
        [entry] = box.publications([str(reply.pk)])
        assert entry.attempt == 2
        assert Reply.objects.get(pk=reply.pk).attempt == 2
        assert bells(valkey) == 1

    def test_of_a_long_queue_all_that_redis_forgot_is_published_in_some_sweeps(
        self,
        owner: User,
        valkey: Valkey,
        box: Mailbox,
        sent,
        keeper: Keeper,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(reconcile, "BATCH", 2)
        replies = [sent(owner, f"{n}") for n in range(6)]
        same = timezone.now() - timedelta(minutes=1)
        Reply.objects.update(published_at=same)
        valkey.client.delete(*(f"mailbox:reply:{one.pk}" for one in replies[1::2]))
        for _ in range(4):
            keeper.sweep()
        entries = box.publications([str(reply.pk) for reply in replies])
        assert [entry and entry.attempt for entry in entries] == [1, 2] * 3

    def test_a_row_just_saved_is_left_to_its_own_request(
        self, owner: User, valkey: Valkey, box: Mailbox, sent, keeper: Keeper
    ) -> None:
        reply = sent(owner)
        valkey.client.flushall()
        keeper.sweep()
        assert box.publications([str(reply.pk)]) == [None]

    def test_a_prompt_sent_while_redis_was_away_is_published_later(
        self, owner: User, valkey: Valkey, sent, keeper: Keeper
    ) -> None:
        valkey.stop()
        try:
            reply = sent(owner)
            assert reply.state == "queued"
            with pytest.raises(MailboxAway):
                keeper.sweep()
        finally:
            valkey.start()
        open_mailbox().connection.forgive()
        long_ago(reply)
        keeper.sweep()
        [entry] = open_mailbox().publications([str(reply.pk)])
        assert entry.attempt == 2

    def test_a_stop_asked_for_while_redis_was_away_is_carried_out(
        self, owner: User, box: Mailbox, sent, keeper: Keeper
    ) -> None:
        reply = sent(owner)
        Reply.objects.get(pk=reply.pk).ask_to_stop()
        keeper.sweep()
        assert Reply.objects.get(pk=reply.pk).state == "stopped"

    def test_a_stop_does_not_wait_for_a_worker_that_is_gone(
        self, owner: User, valkey: Valkey, box: Mailbox, sent, worker, keeper: Keeper
    ) -> None:
        reply = sent(owner)
        claim = worker.claim(lease_seconds=60)
        worker.write(claim, "So far")
        stop_reply(Reply.objects.with_path().get(pk=reply.pk))
        keeper.sweep()
        assert Reply.objects.get(pk=reply.pk).state == "queued"
        # The flag is there for a while, and nobody heard of it.
        valkey.client.hincrbyfloat(f"mailbox:reply:{reply.pk}", "stop", -2)
        keeper.sweep()
        row = Reply.objects.get(pk=reply.pk)
        assert (row.state, row.message.text) == ("stopped", "So far")
        # Should it come back, it is told so.
        assert worker.write(claim, " and more", offset=6) == "refused"
        assert worker.finish(claim, "So far and more") == "refused"

    def test_a_held_row_that_nobody_released_is_released(
        self, owner: User, box: Mailbox, sent, worker, keeper: Keeper
    ) -> None:
        first = sent(owner)
        second = sent(owner, "two", first.message.conversation)
        Reply.objects.filter(pk=first.pk).update(state="done")
        keeper.sweep()
        assert Reply.objects.get(pk=second.pk).state == "queued"

    def test_a_lost_reply_is_taken_back_only_after_redis_was_there_for_a_lease(
        self, owner: User, box: Mailbox, sent, worker, keeper: Keeper, clock: Clock
    ) -> None:
        sent(owner)
        worker.claim(lease_seconds=0)
        keeper.sweep()
        assert box.waiting("scripted") == 0
        clock.now = 11
        keeper.sweep()
        assert box.waiting("scripted") == 1

    def test_a_lost_bell_is_rung_again_in_the_second_sweep_that_misses_it(
        self, owner: User, valkey: Valkey, box: Mailbox, sent, worker, keeper: Keeper
    ) -> None:
        sent(owner)
        valkey.client.delete("chat:generate.scripted")
        worker.announce()
        keeper.sweep()
        assert bells(valkey) == 0
        keeper.sweep()
        assert bells(valkey) == 1

    def test_a_row_for_a_model_given_up_at_start_moves_to_its_successor(
        self, owner: User, valkey: Valkey, box: Mailbox, sent, keeper: Keeper
    ) -> None:
        reply = sent(owner)
        Reply.objects.filter(pk=reply.pk).update(model="gpt2")
        keeper.sweep()
        row = Reply.objects.get(pk=reply.pk)
        assert (row.model, row.attempt) == ("scripted", 2)
        assert box.waiting("scripted") == 1

    def test_a_row_whose_model_a_person_picked_waits_for_it(
        self, owner: User, valkey: Valkey, box: Mailbox, sent, keeper: Keeper
    ) -> None:
        owner.model = "scripted"
        owner.save()
        reply = sent(owner)
        User.objects.update(model="")
        Reply.objects.filter(pk=reply.pk).update(model="gpt2")
        keeper.sweep()
        assert Reply.objects.get(pk=reply.pk).model == "gpt2"

    def test_a_row_whose_model_is_served_stays_with_it(
        self, owner: User, box: Mailbox, sent, keeper: Keeper
    ) -> None:
        reply = sent(owner)
        Reply.objects.filter(pk=reply.pk).update(model="gpt2")
        box.announce(wire.Announcement("w", "gpt2", "GPT-2", wire.Stage.LOADING))
        keeper.sweep()
        assert Reply.objects.get(pk=reply.pk).model == "gpt2"

    def test_what_waited_too_long_while_it_was_served_ends_in_a_stated_failure(
        self, owner: User, valkey: Valkey, box: Mailbox, sent, worker, keeper: Keeper
    ) -> None:
        reply = sent(owner)
        yesterday = timezone.now() - timedelta(hours=25)
        Reply.objects.filter(pk=reply.pk).update(queued_at=yesterday)
        worker.announce(free=0)
        keeper.sweep()
        assert Reply.objects.get(pk=reply.pk).state == "queued"
        valkey.client.hset("mailbox:clock:scripted", "seconds", 86_401)
        keeper.sweep()
        row = Reply.objects.get(pk=reply.pk)
        assert (row.state, row.error) == ("failed", "expired")
        assert box.waiting("scripted") == 0

    def test_the_clock_of_a_model_stands_still_while_nobody_serves_it(
        self, owner: User, valkey: Valkey, box: Mailbox, sent, worker, keeper: Keeper
    ) -> None:
        sent(owner)
        worker.announce(free=0)
        keeper.sweep()
        valkey.client.hincrbyfloat("mailbox:clock:scripted", "seen", -3600)
        keeper.sweep()
        assert float(valkey.client.hget("mailbox:clock:scripted", "seconds")) < 60

    def test_two_keepers_change_nothing_in_the_outcome(
        self, owner: User, valkey: Valkey, box: Mailbox, sent, worker, clock: Clock
    ) -> None:
        reply = sent(owner)
        valkey.client.flushall()
        long_ago(reply)
        keepers = [Keeper(clock), Keeper(clock)]
        for keeper in keepers:
            keeper.sweep()
        assert box.waiting("scripted") == 1
        worker.answer("one")
        for keeper in keepers:
            keeper.sweep()
        row = Reply.objects.get(pk=reply.pk)
        assert (row.state, row.attempt, row.message.text) == ("done", 2, "one")


@pytest.mark.django_db
def test_a_stop_of_what_the_mailbox_never_knew_ends_the_row(
    owner: User, valkey: Valkey, sent
) -> None:
    reply = sent(owner)
    valkey.client.flushall()
    stop_reply(Reply.objects.with_path().get(pk=reply.pk))
    assert Reply.objects.get(pk=reply.pk).state == "stopped"


def test_bells_ring_only_for_what_was_idle_in_two_sweeps() -> None:
    seen = [(3, 2), (3, 2), (1, 2), (0, 2), (5, 0), (5, 4), (5, 4)]
    ringing = ExtraBells()
    assert [ringing.due("m", *counts) for counts in seen] == [0, 2, 1, 0, 0, 0, 4]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL counts its rows")
def test_unfinished_replies_are_found_by_their_index(db: None) -> None:
    """Nearly all replies have ended, and SQLite would read them all."""
    assert "INDEX reply_unfinished" in Reply.objects.unfinished().explain()
