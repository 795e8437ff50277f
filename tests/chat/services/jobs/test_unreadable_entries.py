"""What is unreadable in Redis harms its own reply at most, and only for a while."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from chat.keeper import Keeper
from chat.models import Reply, User
from chat.services.jobs.guarded import TRIES
from chat.services.live.hub import Hub
from chatsite.mailbox import Mailbox, MissingReply
from tests.chat.conftest import Clock, Worker
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db

Sent = Callable[..., Reply]
#: The fields of an entry that waits; one that runs or has ended has more.
WAITING = (
    *("attempt", "owner", "share", "model", "kind", "cost", "request", "losses"),
    *("hidden", "tag", "member", "further", "queued", "tokens", "run", "since"),
    "state",
)
RUNNING = (*WAITING, "claim", "worker", "started")
ENDED = (*WAITING, "worker", "started", "first", "finished", "outcome", "ending")
BAD = ("", "what is this", "-1e999", "[]")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def spoil(valkey: Valkey, replies: list[Reply], fields: tuple[str, ...]) -> None:
    """Spoil one field in each entry but the last, each in another way, or remove it."""
    for number, (reply, field) in enumerate(zip(replies, fields, strict=False)):
        key = f"mailbox:reply:{reply.pk}"
        bad = (*BAD, None)[number % (len(BAD) + 1)]
        if bad is None:
            valkey.client.hdel(key, field)
        else:
            valkey.client.hset(key, field, bad)


def sweep_until_all_ended(keeper: Keeper, worker: Worker, clock: Clock) -> None:
    """Let a keeper sweep and a worker answer all that it gets."""
    for _ in range(3 * TRIES):
        # As if some seconds passed.
        clock.turn(11)
        Reply.objects.update(published_at=F("published_at") - timedelta(minutes=1))
        keeper.sweep()
        while (claim := worker.claim_if_any(lease_seconds=0)) is not None:
            worker.finish(claim, "said")
        if not Reply.objects.unfinished().exists():
            return
    left = Reply.objects.unfinished().values_list("message__parent__text", flat=True)
    raise AssertionError(f"not ended: {list(left)}")


@pytest.mark.parametrize("shift", range(len(BAD) + 1))
@pytest.mark.parametrize(
    ("fields", "state"), [(WAITING, "waits"), (RUNNING, "runs"), (ENDED, "ended")]
)
def test_an_unreadable_field_stops_no_reply(
    fields: tuple[str, ...],
    state: str,
    shift: int,
    owner: User,
    box: Mailbox,
    valkey: Valkey,
    worker: Worker,
    clock: Clock,
    sent: Sent,
) -> None:
    turned = (*fields[shift:], *fields[:shift])
    replies = [sent(owner, f"~{field}") for field in (*turned, "good")]
    good = replies[-1]
    for _ in replies if state != "waits" else ():
        claim = worker.claim(lease_seconds=0)
        if state == "ended":
            worker.finish(claim, "said")
    spoil(valkey, replies, turned)
    if state == "ended":
        Keeper(clock).sweep()
        good.refresh_from_db()
        assert good.state == "done"
    sweep_until_all_ended(Keeper(clock), worker, clock)
    ended = dict(Reply.objects.values_list("message__parent__text", "state"))
    assert ended.pop("~good") == "done"
    # An end says itself how a reply ended; the rest can be written again.
    lost = {name for name, state in ended.items() if state != "done"}
    assert lost <= ({"~ending", "~outcome"} if state == "ended" else set())
    assert box.finished() == []


def test_an_entry_without_a_reply_is_removed(
    owner: User, box: Mailbox, valkey: Valkey, worker: Worker, clock: Clock, sent: Sent
) -> None:
    strange = {"state": "ended", "attempt": "1", "owner": "x", "ending": "{}"}
    for name in ("no-id", str(uuid.uuid4())):
        valkey.client.hset(f"mailbox:reply:{name}", mapping=strange)
        valkey.client.sadd("mailbox:finished", name)
    valkey.client.zadd("mailbox:leases", {"no-id-either": 1})
    sent(owner)
    sweep_until_all_ended(Keeper(clock), worker, clock)
    for _ in range(TRIES):
        Keeper(clock).sweep()
    assert box.finished() == []


def test_an_entry_whose_worker_is_lost_is_written_again_if_it_is_unreadable(
    owner: User,
    box: Mailbox,
    valkey: Valkey,
    worker: Worker,
    clock: Clock,
    sent: Sent,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bad, good = sent(owner, "one"), sent(owner, "two")
    for _ in (bad, good):
        worker.claim(lease_seconds=0)
    valkey.client.hset(f"mailbox:reply:{bad.pk}", "attempt", "none")
    keeper = Keeper(clock)
    keeper.sweep()
    clock.turn(11)
    keeper.sweep()
    assert box.waiting("scripted") == 1
    assert f"reply {bad.pk} (losses 1): forgotten" in caplog.text
    sweep_until_all_ended(keeper, worker, clock)
    rows = Reply.objects.values_list("pk", "attempt", "message__text")
    assert {pk: said for pk, *said in rows} == {
        bad.pk: [2, "said"],
        good.pk: [1, "said"],
    }


def test_calls_and_pages_that_wait_see_the_replies_beside_an_unreadable_one(
    owner: User, box: Mailbox, valkey: Valkey, worker: Worker, sent: Sent
) -> None:
    bad, good = sent(owner, "one"), sent(owner, "two")
    for _ in (bad, good):
        worker.write(worker.claim(), "so far")
    valkey.client.hset(f"mailbox:reply:{bad.pk}", "run", "first")
    cursors = [(str(reply.pk), 0, 0) for reply in (bad, good)]
    assert [live.state for live in Hub()._ask(cursors)] == ["missing", "running"]
    box.remember("session", str(owner.pk))
    look = box.snapshot("session", "scripted", cursors)
    assert look is not None
    assert look.replies[0] == MissingReply()
    assert look.replies[1].text == "so far"


def test_an_unreadable_announcement_is_no_worker(
    owner: User, box: Mailbox, valkey: Valkey, worker: Worker, sent: Sent, clock: Clock
) -> None:
    sent(owner)
    worker.announce()
    expires = timezone.now().timestamp() + 60
    for number, rows in enumerate(('"8"', "null", "[]", "true")):
        said = f'{{"worker":"w{number}","model":"m","label":"l","stage":"ready"'
        line = f'{expires} {said},"rows":{rows},"free":{rows}}}'
        valkey.client.hset("mailbox:workers:scripted", f"w{number}", line)
    valkey.client.hset("mailbox:counts", "outcome:done", "many")
    Keeper(clock).sweep()
    assert [one.worker for one in box.workers("scripted")] == ["w", "w1"]
    assert "outcome:done" not in box.overview().counts
