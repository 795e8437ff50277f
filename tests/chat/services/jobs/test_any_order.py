"""Everything that may happen to replies, in any order; then the faults end.

Real rows, a real Redis and the real sweep; workers are played through the mailbox, and
time passes as the test says. Every piece of text names the claim that wrote it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
import redis
from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from chat.keeper import Keeper
from chat.models import Reply, User
from chat.services import held_messages, messages, reply_versions
from chat.services.jobs import publish, reconcile, stop
from chatsite import wire
from chatsite.mailbox import MailboxAway, open_mailbox
from tests.environment import IS_SOAK, SOCKET
from worker.delivery import Delivery

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(3600)]
OWNERS, KEEPERS = 2, 2
NEVER = float("inf")
LONG_SECONDS = 3600
Enqueue = Callable[..., bool]
#: How losses end a reply is told elsewhere.
MANY_LOSSES = 10_000


class Anything(RuleBasedStateMachine):
    """Replies, and what workers write or believe to write."""

    replies = Bundle("replies")
    deliveries = Bundle("deliveries")

    def __init__(self) -> None:
        super().__init__()
        User.objects.all().delete()
        self.box = open_mailbox()
        self.client = self.box.connection.client
        self.box.connection.forgive()
        self.client.flushall()
        self.owners = [User.objects.guest(uuid.uuid4()) for _ in range(OWNERS)]
        self.now = 0.0
        self.keepers = [Keeper(lambda: self.now) for _ in range(KEEPERS)]
        self.steps_away = 0
        self.snapshot: list[tuple[str, int, bytes]] = []
        #: By token, all that the worker that held it ever wrote.
        self.written: dict[str, str] = {}
        self.refused: set[str] = set()
        #: Each row as it ended.
        self.ended: dict[uuid.UUID, tuple[str, str]] = {}

    # People

    @rule(target=replies, owner=st.integers(0, OWNERS - 1))
    def send(self, owner: int) -> Reply:
        return messages.send_message(self.owners[owner], "hello", uuid.uuid4().hex)

    @rule(target=replies, before=replies)
    def send_after(self, before: Reply) -> Reply:
        conversation, key = before.message.conversation, uuid.uuid4().hex
        return messages.send_message(conversation.owner, "more", key, conversation)

    @rule(target=replies, owner=st.integers(0, OWNERS - 1))
    def send_and_die_before_it_is_published(self, owner: int) -> Reply:
        whole = messages.publish
        messages.publish = lambda _: False
        try:
            return self.send(owner)
        finally:
            messages.publish = whole

    @rule(reply=replies)
    def stop(self, reply: Reply) -> None:
        reply.refresh_from_db()
        stop.stop_reply(reply)

    @rule(reply=replies)
    def stop_while_it_is_published(self, reply: Reply) -> None:
        """Between the look at the row and the entry."""

        def stopped_first(enqueue: Enqueue, *arguments: object) -> bool:
            stop.stop_reply(Reply.objects.with_path().get(pk=reply.pk))
            return enqueue(*arguments)

        self._publish_anew(reply, stopped_first)

    @rule(reply=replies)
    def publish_twice_at_once(self, reply: Reply) -> None:
        """Two keepers found the row forgotten: one is quicker in all it does."""

        def overtaken(enqueue: Enqueue, *arguments: object) -> bool:
            publish._enqueue = enqueue
            is_new = enqueue(*arguments)
            other = Reply.objects.with_path().get(pk=reply.pk)
            if other.publish_again():
                publish.publish(other)
            return is_new

        self._publish_anew(reply, overtaken)

    @staticmethod
    def _publish_anew(reply: Reply, enqueue: Callable[..., bool]) -> None:
        """As a keeper does, with ``enqueue`` in the place of what makes the entry."""
        reply.refresh_from_db()
        if reply.state != "queued" or not reply.publish_again():
            return
        whole = publish._enqueue
        publish._enqueue = partial(enqueue, whole)
        try:
            publish.publish(reply)
        finally:
            publish._enqueue = whole

    @rule(target=replies, reply=replies)
    def retry(self, reply: Reply) -> Reply:
        reply.refresh_from_db()
        fresh = reply_versions.retry(reply)
        return multiple() if fresh == reply else fresh

    @rule(reply=replies)
    def proceed(self, reply: Reply) -> None:
        reply.refresh_from_db()
        with suppress(held_messages.NotHeld):
            held_messages.release(reply)

    # Workers

    @rule(target=deliveries, is_busy=st.sampled_from([False, False, True]))
    def claim(self, is_busy: bool) -> Delivery:
        try:
            first = self.box.first_in_line("scripted", 1)
            got = self.box.claim("scripted", "w", LONG_SECONDS, live=int(is_busy))
        except MailboxAway:
            return multiple()
        if got is None:
            return multiple()
        assert [got.reply] == first
        self.written[got.token] = ""
        return Delivery(got)

    @rule(delivery=deliveries, count=st.integers(1, 3))
    def write(self, delivery: Delivery, count: int) -> None:
        for _ in range(count):
            self._say(delivery)
            with suppress(MailboxAway):
                [kept] = self.box.write([delivery.next_write()], LONG_SECONDS)
                self._heard(delivery, kept.verdict)
                delivery.accept(kept)

    @rule(delivery=deliveries, outcome=st.sampled_from(["done", "done", "failed"]))
    def finish(self, delivery: Delivery, outcome: str) -> None:
        """Offered again where the mailbox lacks text; and, as the same delivery may be
        drawn again, where the answer was lost."""
        self._say(delivery)
        error = wire.ErrorCode.MODEL_ERROR if outcome == "failed" else None
        ending = wire.Ending(wire.Outcome(outcome), error, new_tokens=3)
        with suppress(MailboxAway):
            for _ in range(3):
                kept = self.box.finish(delivery.next_write(), ending)
                delivery.accept(kept)
                if kept.verdict != "again":
                    break
            self._heard(delivery, kept.verdict)
            self.refused.add(delivery.claim.token)

    @rule(delivery=deliveries)
    def hand_back(self, delivery: Delivery) -> None:
        claim = delivery.claim
        with suppress(MailboxAway):
            is_to_stop = self.client.hexists(f"mailbox:reply:{claim.reply}", "stop")
            verdict = self.box.hand_back(claim.reply, claim.token)
            self._heard(delivery, verdict)
            assert verdict in ("refused", "stopped" if is_to_stop else "kept")
            self.refused.add(claim.token)

    def _say(self, delivery: Delivery) -> None:
        word = f"{delivery.claim.token} "
        self.written[delivery.claim.token] += word
        delivery.on_text(word, 1)

    def _heard(self, delivery: Delivery, verdict: str) -> None:
        """Whoever ended, handed back or was refused is refused for good."""
        token = delivery.claim.token
        if token in self.refused:
            assert verdict == "refused"
        if verdict == "refused":
            self.refused.add(token)

    # What breaks, and what mends

    @rule(keeper=st.integers(0, KEEPERS - 1))
    def sweep(self, keeper: int) -> None:
        self.now += 1
        with suppress(MailboxAway):
            self.keepers[keeper].sweep()

    @rule(keeper=st.integers(0, KEEPERS - 1))
    def replace_a_keeper(self, keeper: int) -> None:
        self.keepers[keeper] = Keeper(lambda: self.now)

    @rule(delivery=deliveries, keeper=st.integers(0, KEEPERS - 1))
    def freeze_a_worker(self, delivery: Delivery, keeper: int) -> None:
        """Its lease runs out, and a keeper looks."""
        self._let_lapse([delivery.claim.reply])
        self.sweep(keeper)

    @rule()
    def take_a_snapshot(self) -> None:
        """What Redis has written to its disk."""
        self.snapshot = [
            (key, max(0, self.client.pttl(key)), self.raw.dump(key))
            for key in self.client.keys("*")
        ]

    @rule()
    def restart_redis_as_of_the_snapshot(self) -> None:
        """Nothing of what came after; without one it is empty."""
        self.client.flushall()
        for key, milliseconds, dump in self.snapshot:
            self.raw.restore(key, milliseconds, dump)
        # Whoever held a claim then holds it again.
        self.refused.clear()

    @rule(steps=st.integers(1, 3))
    def take_redis_away(self, steps: int) -> None:
        self.steps_away = steps
        self.box.connection._away_until = NEVER

    @invariant()
    def redis_comes_back(self) -> None:
        self.steps_away -= 1
        if self.steps_away < 0:
            self.box.connection.forgive()

    @property
    def raw(self) -> redis.Redis:
        """A client that leaves bytes as they are."""
        return redis.Redis(unix_socket_path=str(SOCKET))

    def _let_lapse(self, replies: list[str]) -> None:
        for reply in replies:
            self.client.zadd("mailbox:leases", {reply: 0}, xx=True)
        self.now += LONG_SECONDS

    @invariant()
    def what_ended_stays_as_it_is(self) -> None:
        rows = Reply.objects.exclude(state__in=["held", "queued"])
        for row in rows.select_related("message"):
            found = (row.state, row.message.text)
            assert self.ended.setdefault(row.pk, found) == found
            self._check_text(row.message.text)
            assert row.state != "stopped" or row.stop_requested_at, "nobody asked"

    def _check_text(self, text: str) -> None:
        """One run wrote it, and from its beginning."""
        if text:
            assert self.written[text.split()[0]].startswith(text)

    def teardown(self) -> None:
        """No more faults: everything comes to an end."""
        self.steps_away = 0
        self.redis_comes_back()
        self._let_lapse(self.client.zrange("mailbox:leases", 0, -1))
        self.sweep(0)
        self.now += LONG_SECONDS
        for _ in range(300):
            self.sweep(0)
            got = self.box.claim("scripted", "last", LONG_SECONDS)
            if got is not None:
                self.written[got.token] = ""
                self.finish(Delivery(got), "done")
            elif not Reply.objects.queued().exists() and not self.box.finished():
                break
        self.what_ended_stays_as_it_is()
        self._check_nothing_is_left()

    def _check_nothing_is_left(self) -> None:
        stuck = Reply.objects.queued().values("pk", "attempt", "stop_requested_at")
        assert not stuck, [
            (row, self.client.hgetall(f"mailbox:reply:{row['pk']}")) for row in stuck
        ]
        paused = set(Reply.objects.paused().values_list("pk", flat=True))
        for row in Reply.objects.held().exclude(pk__in=paused).with_path():
            assert row.message.parent.parent.reply.state == "held"
        asked = Reply.objects.exclude(stop_requested_at=None).exclude(state="stopped")
        assert not asked.filter(state__in=["held", "queued"]).exists()
        assert self.box.waiting("scripted") == 0
        assert self.client.zcard("mailbox:leases") == 0
        assert list(self.client.scan_iter("mailbox:queue:*")) == []
        for key in self.client.scan_iter("mailbox:reply:*"):
            assert self.client.ttl(key) > 0, key


@pytest.fixture
def _quick_and_patient(valkey, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MAX_LOSSES = MANY_LOSSES
    monkeypatch.setattr(reconcile, "PUBLISHING_SECONDS", -1.0)
    for module in (publish, reconcile):
        monkeypatch.setattr(module, "ring", lambda *_: True)


#: The second database meets the same code with fewer.
USUAL = 12 if connection.vendor == "sqlite" else 5


@pytest.mark.usefixtures("_quick_and_patient")
def test_one_effect_a_reply_and_nothing_is_stuck_once_faults_end() -> None:
    run_state_machine_as_test(
        Anything,
        settings=settings(
            max_examples=1500 if IS_SOAK else USUAL,
            stateful_step_count=60 if IS_SOAK else 40,
            deadline=None,
            # A smaller example would take minutes more to find.
            phases=[Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
