"""The mailbox's scripts on a real server."""

from __future__ import annotations

import time

import pytest
import redis

from chatsite import wire
from chatsite.mailbox import (
    Claim,
    EndedReply,
    Mailbox,
    MailboxAway,
    MissingReply,
    QueuedReply,
    RunningReply,
)
from chatsite.mailbox.connection import PAUSE_SECONDS
from tests.valkey import Valkey

REQUEST = wire.Request((wire.Turn(wire.Role.USER, "hi"),), wire.SamplingParams(), 60)
#: Redis's answer for the time to live of a key that does not expire.
NO_EXPIRY = -1
DONE = wire.Ending(wire.Outcome.DONE, prompt_tokens=3, new_tokens=2)


def enqueue(box: Mailbox, reply: str, owner: str = "ann", **more: object) -> bool:
    said = {"share": owner, "cost": 100.0, "attempt": 1, **more}
    attempt = said.pop("attempt")
    return box.enqueue(reply, attempt, owner=owner, model="m", request=REQUEST, **said)  # type: ignore[arg-type]


def claim(box: Mailbox, lease_seconds: float = 60) -> Claim:
    got = box.claim("m", "worker", lease_seconds)
    assert got is not None
    return got


def look(box: Mailbox, reply: str, owner: str = "ann", run: int = 0, offset: int = 0):  # type: ignore[no-untyped-def]
    box.remember("session", owner)
    seen = box.snapshot("session", "m", [(reply, run, offset)])
    assert seen is not None
    return seen.replies[0]


def test_a_reply_goes_from_line_to_claim_to_end(box: Mailbox) -> None:
    assert enqueue(box, "a")
    assert look(box, "a").ahead == 0
    held = claim(box)
    assert (held.reply, held.attempt, held.losses) == ("a", 1, 0)
    assert wire.Request.from_json(held.request) == REQUEST
    [kept] = box.write([("a", held.token, 0, "Hé", 1)], 60)
    assert (kept.verdict, kept.length) == ("kept", 3)
    seen = look(box, "a")
    assert isinstance(seen, RunningReply)
    assert (seen.text, seen.length, seen.tokens) == ("Hé", 3, 1)
    assert look(box, "a", run=seen.run, offset=3).text == ""
    assert box.finish(("a", held.token, 3, "!", 2), DONE).verdict == "kept"
    assert look(box, "a") == EndedReply(seen.run, wire.Outcome.DONE)
    assert box.finished() == ["a"]
    ending = box.finished_reply("a")
    assert ending is not None
    assert (ending.text, ending.details["new_tokens"]) == ("Hé!", 2)


def test_publishing_the_same_attempt_twice_changes_nothing(box: Mailbox) -> None:
    assert enqueue(box, "a")
    assert not enqueue(box, "a")
    assert box.waiting("m") == 1


def test_a_later_attempt_replaces_an_earlier_one_and_its_claim(box: Mailbox) -> None:
    enqueue(box, "a")
    old = claim(box)
    assert enqueue(box, "a", attempt=2)
    assert box.write([("a", old.token, 0, "zombie", 1)], 60)[0].verdict == "refused"
    assert box.finish(("a", old.token, 0, "zombie", 1), DONE).verdict == "refused"
    assert box.hand_back("a", old.token) == "refused"
    assert claim(box).attempt == 2


def test_a_repeated_write_changes_nothing(box: Mailbox) -> None:
    enqueue(box, "a")
    token = claim(box).token
    for _ in range(3):
        assert box.write([("a", token, 0, "one", 1)], 60)[0].length == 3
    assert box.write([("a", token, 3, " two", 2)], 60)[0].length == 7
    assert look(box, "a").text == "one two"


def test_a_write_beyond_what_redis_still_holds_asks_for_the_rest(box: Mailbox) -> None:
    enqueue(box, "a")
    token = claim(box).token
    [kept] = box.write([("a", token, 10, "late", 3)], 60)
    assert (kept.verdict, kept.length) == ("kept", 0)
    kept = box.finish(("a", token, 10, "late", 3), DONE)
    assert (kept.verdict, kept.length) == ("again", 0)
    assert box.finish(("a", token, 0, "all of it", 3), DONE).verdict == "kept"


def test_one_message_does_not_wait_behind_anothers_fifty(box: Mailbox) -> None:
    for i in range(50):
        enqueue(box, f"many-{i}", owner="bob")
    enqueue(box, "one", owner="ann")
    assert look(box, "one").ahead == 1
    assert [claim(box).reply for _ in range(2)] == ["many-0", "one"]


def test_equal_tags_keep_the_order_of_arrival(box: Mailbox) -> None:
    names = [f"r{i}" for i in range(20)]
    for name in names:
        enqueue(box, name, owner=f"owner of {name}")
    assert [claim(box).reply for _ in names] == names


def test_helpers_wait_behind_people(box: Mailbox) -> None:
    enqueue(box, "title", owner="ann", kind=wire.RequestKind.HELPER)
    enqueue(box, "bob's", owner="bob")
    assert look(box, "title").ahead == 1
    assert [claim(box).reply for _ in range(2)] == ["bob's", "title"]


def test_a_hand_back_keeps_its_place(box: Mailbox) -> None:
    enqueue(box, "a", owner="ann")
    enqueue(box, "b", owner="bob")
    token = claim(box).token
    assert box.hand_back("a", token) == "kept"
    again = claim(box)
    assert (again.reply, again.losses) == ("a", 0)
    assert again.token != token


def test_a_stop_in_line_ends_at_once_and_refunds_the_share(box: Mailbox) -> None:
    enqueue(box, "a1", owner="ann")
    enqueue(box, "b1", owner="bob")
    enqueue(box, "a2", owner="ann")
    assert box.stop("a2") == "left"
    enqueue(box, "a3", owner="ann")
    enqueue(box, "b2", owner="bob")
    assert [claim(box).reply for _ in range(4)] == ["a1", "b1", "a3", "b2"]
    assert look(box, "a2").outcome is wire.Outcome.STOPPED


def test_a_stop_while_running_reaches_the_worker(box: Mailbox) -> None:
    enqueue(box, "a")
    token = claim(box).token
    assert box.stop("a") == "flagged"
    assert look(box, "a").is_stopping
    assert box.write([("a", token, 0, "so far", 1)], 60)[0].verdict == "stop"
    assert box.hand_back("a", token) == "stopped"
    ending = box.finished_reply("a")
    assert ending is not None and ending.text == "so far"


def test_an_unknown_reply_is_missing(box: Mailbox) -> None:
    assert box.stop("nobody") == "missing"
    assert box.finished_reply("nobody") is None


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


def test_only_the_owner_sees_a_reply(box: Mailbox) -> None:
    enqueue(box, "a", owner="ann")
    seen = look(box, "a", owner="bob")
    assert seen.is_foreign
    assert box.snapshot("unknown session", "m", [("a", 0, 0)]) is None


def test_a_forgotten_session_sees_nothing(box: Mailbox) -> None:
    enqueue(box, "a")
    assert isinstance(look(box, "a"), QueuedReply)
    box.forget("session")
    assert box.snapshot("session", "m", [("a", 0, 0)]) is None


def test_a_forged_offset_gives_text_and_no_error(box: Mailbox) -> None:
    enqueue(box, "a")
    token = claim(box).token
    box.write([("a", token, 0, "é", 1)], 60)
    assert look(box, "a", run=1, offset=1).text == "�"
    assert look(box, "a", run=1, offset=99).text == "é"


def test_a_new_run_starts_with_empty_text(box: Mailbox) -> None:
    enqueue(box, "a")
    box.write([("a", claim(box, 0).token, 0, "first try", 2)], 0)
    box.take_back(max_losses=3)
    claim(box)
    seen = look(box, "a", run=1, offset=9)
    assert (seen.run, seen.text, seen.offset) == (2, "", 0)


def test_announcements_expire_and_can_be_withdrawn(box: Mailbox) -> None:
    said = wire.Announcement("w1", "m", "M", wire.Stage.READY, rows=4, free=3)
    box.announce(said)
    box.announce(wire.Announcement("w2", "m", "M", wire.Stage.LOADING), seconds=-1)
    assert box.workers("m") == (said,)
    box.withdraw(said)
    assert box.workers("m") == ()


def test_the_change_counter_never_repeats_after_redis_forgot_it(
    box: Mailbox, valkey: Valkey
) -> None:
    def counter() -> int:
        box.remember("session", "ann")
        seen = box.snapshot("session", "m", [])
        assert seen is not None
        return int(seen.changes)

    box.touch("ann")
    first = counter()
    box.touch("ann")
    assert counter() == first + 1
    valkey.client.flushall()
    box.touch("ann")
    assert counter() > first + 1


def test_a_missing_server_is_noticed_quickly(tmp_path: object) -> None:
    box = Mailbox(f"unix://{tmp_path}/nobody.sock")
    for _ in range(3):
        with pytest.raises(MailboxAway):
            box.waiting("m")


def test_a_collected_reply_is_gone_within_a_minute(
    box: Mailbox, valkey: Valkey
) -> None:
    enqueue(box, "a")
    token = claim(box).token
    box.finish(("a", token, 0, "x", 1), DONE)
    box.mark_collected("a", 1)
    assert box.finished() == []
    assert 0 < valkey.client.ttl("mailbox:reply:a") <= 60
    assert 0 < valkey.client.ttl("mailbox:text:a") <= 60


def test_a_new_attempt_outlives_the_collection_of_an_earlier_one(
    box: Mailbox, valkey: Valkey
) -> None:
    enqueue(box, "a")
    token = claim(box).token
    box.finish(("a", token, 0, "x", 1), DONE)
    enqueue(box, "a", attempt=2)
    box.mark_collected("a", 1)
    assert valkey.client.ttl("mailbox:reply:a") == NO_EXPIRY
    assert claim(box).attempt == 2


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


def test_entries_handed_over_keep_place_text_and_worker(box: Mailbox) -> None:
    for reply, owner in (("a", "ann"), ("b", "ann"), ("c", "cy")):
        enqueue(box, reply, owner)
    held = claim(box)
    box.write([(held.reply, held.token, 0, "half", 1)], 60)
    line = box.first_in_line("m", 9)
    assert box.hand_over(["a", "b", "nowhere"], "bee", "bee") == 2
    assert box.hand_over(["a", "b"], "bee", "bee") == 0
    assert box.first_in_line("m", 9) == line
    *found, nowhere = box.publications(["a", "b", "c", "nowhere"])
    assert [entry.owner for entry in found] == ["bee", "bee", "cy"]
    assert nowhere is None
    assert look(box, "a", "bee").text == "half"
    assert look(box, "b", "ann") == MissingReply(is_foreign=True)
    assert isinstance(look(box, "b", "bee"), QueuedReply)
    assert box.write([(held.reply, held.token, 4, " done", 2)], 60)[0].verdict == "kept"
    assert box.finish(("a", held.token, 9, "", 2), DONE).verdict == "kept"
    assert box.stop("b") == "left"
    assert box.hand_over([], "bee", "bee") == 0


def test_replies_handed_over_count_for_the_new_share(box: Mailbox) -> None:
    enqueue(box, "a", "ann")
    enqueue(box, "b", "ann")
    box.hand_over(["a", "b"], "bee", "bee")
    enqueue(box, "c", "cy")
    enqueue(box, "d", "bee")
    assert box.first_in_line("m", 9) == ["a", "c", "b", "d"]


def test_pages_of_both_owners_hear_of_a_hand_over(box: Mailbox) -> None:
    enqueue(box, "a", "ann")
    before = [changes(box, owner) for owner in ("ann", "bee")]
    box.hand_over(["a"], "bee", "bee")
    assert [changes(box, owner) for owner in ("ann", "bee")] != before


def changes(box: Mailbox, owner: str) -> str:
    box.remember("session", owner)
    seen = box.snapshot("session", "m", [])
    assert seen is not None
    return seen.changes


def test_nothing_is_left_of_an_erased_reply(box: Mailbox, valkey: Valkey) -> None:
    for reply in ("running", "ended", "queued"):
        enqueue(box, reply)
        if reply != "queued":
            held = claim(box)
            box.write([(reply, held.token, 0, "text", 1)], 60)
        if reply == "ended":
            box.finish((reply, held.token, 4, "", 1), DONE)
    enqueue(box, "other", "cy")
    running = valkey.client.hget("mailbox:reply:running", "claim")
    box.erase(["running", "ended", "queued", "nowhere"])
    box.erase_owner("ann")
    box.erase([])
    token = running.decode() if isinstance(running, bytes) else running
    assert box.write([("running", token, 4, "more", 2)], 60)[0].verdict == "refused"
    assert box.finished() == []
    assert box.take_back(3) == []
    assert box.first_in_line("m", 9) == ["other"]
    kept = {
        name.decode() if isinstance(name, bytes) else name
        for name in valkey.client.keys("*")
    }
    assert not {name for name in kept if "ann" in name.split(":")}
    assert {name for name in kept if name.startswith("mailbox:reply:")} == {
        "mailbox:reply:other"
    }
    assert not {name for name in kept if name.startswith("mailbox:text:")}
    assert valkey.client.zscore("mailbox:tags:m", "ann") is None


def test_only_the_first_request_in_a_while_is_the_first(box: Mailbox) -> None:
    assert box.is_first_request("a link for ann", 60)
    assert not box.is_first_request("a link for ann", 60)
    assert box.is_first_request("a link for cy", 60)


def test_after_a_failure_one_call_tries_again_while_others_fail_at_once(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise redis.TimeoutError

    guarded = box.connection.call
    with pytest.raises(MailboxAway, match="TimeoutError"):
        guarded(fail)
    with pytest.raises(MailboxAway, match="a moment ago"):
        guarded(lambda: "too soon")
    later = time.monotonic() + 2 * PAUSE_SECONDS
    monkeypatch.setattr("chatsite.mailbox.connection.time.monotonic", lambda: later)

    def try_again() -> str:
        with pytest.raises(MailboxAway, match="a moment ago"):
            guarded(lambda: "beside it")
        return "back"

    assert guarded(try_again) == "back"
    assert guarded(lambda: "again") == "again"
