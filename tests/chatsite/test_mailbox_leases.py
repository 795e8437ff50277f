"""Leases that run out, and workers that are lost."""

from __future__ import annotations

from chatsite.mailbox import (
    Mailbox,
)
from tests.chatsite.mailbox_calls import claim, enqueue


def test_a_lease_that_ran_out_is_taken_back_and_the_zombie_refused(
    box: Mailbox,
) -> None:
    enqueue(box, "a")
    lost = claim(box, lease_seconds=0)
    [back] = box.take_back(max_losses=3)
    assert (back.reply, back.fate) == ("a", "queued")
    assert box.write([("a", lost.token, 0, "zombie", 1)], 60)[0].verdict == "refused"
    assert claim(box).losses == 1


def test_an_expired_lease_may_be_renewed_until_it_is_taken_back(box: Mailbox) -> None:
    enqueue(box, "a")
    held = claim(box, lease_seconds=0)
    assert box.write([("a", held.token, 0, "still here", 1)], 60)[0].verdict == "kept"
    assert box.take_back(max_losses=3) == []


def test_three_losses_fail_a_reply(box: Mailbox) -> None:
    enqueue(box, "a")
    fates = []
    for _ in range(3):
        claim(box, lease_seconds=0)
        fates += [back.fate for back in box.take_back(max_losses=3)]
    assert fates == ["queued", "queued", "failed"]
    ending = box.finished_reply("a")
    assert ending is not None and ending.details["error"] == "worker_lost"


def test_a_stop_asked_for_before_the_worker_was_lost_wins(box: Mailbox) -> None:
    enqueue(box, "a")
    claim(box, lease_seconds=0)
    box.stop("a")
    assert [back.fate for back in box.take_back(max_losses=3)] == ["stopped"]


def test_a_reply_that_lost_two_workers_waits_for_an_idle_one(
    box: Mailbox,
) -> None:
    enqueue(box, "poison", losses=2)
    enqueue(box, "other", owner="bob")
    # This worker reserves it, and takes no other reply until it is idle.
    assert box.claim("m", "busy", 60, live=3) is None
    assert box.claim("m", "busy", 60, live=1) is None
    # Another busy worker skips it.
    passed = box.claim("m", "second", 60, live=1)
    assert passed is not None and passed.reply == "other"
    assert not passed.runs_alone
    taken = box.claim("m", "busy", 60, live=0)
    assert taken is not None and taken.reply == "poison"
    assert taken.runs_alone


def test_a_worker_that_died_before_it_was_idle_reserves_nothing(box: Mailbox) -> None:
    enqueue(box, "poison", losses=2)
    assert box.claim("m", "dead", 0.001, live=1) is None
    assert box.claim("m", "next", 60, live=1) is None
    taken = box.claim("m", "idle", 60)
    assert taken is not None and taken.reply == "poison"


def test_a_reply_with_one_loss_runs_beside_others(box: Mailbox) -> None:
    enqueue(box, "a", losses=1)
    taken = box.claim("m", "busy", 60, live=5)
    assert taken is not None and not taken.runs_alone
