"""The mailbox's scripts on a real server."""

from __future__ import annotations

import time

import pytest
import redis

from chatsite import wire
from chatsite.mailbox import (
    CollectedReply,
    EndedReply,
    Mailbox,
    MailboxAway,
    RunningReply,
    Write,
)
from chatsite.mailbox.connection import PAUSE_SECONDS
from tests.chatsite.mailbox_calls import DONE, REQUEST, claim, enqueue, look
from tests.valkey import Valkey

#: Redis's answer for the time to live of a key that does not expire.
NO_EXPIRY = -1


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


def test_log_probabilities_are_written_once_and_end_with_their_reply(
    box: Mailbox, valkey: Valkey
) -> None:
    enqueue(box, "a")
    token = claim(box).token
    for _ in range(2):
        [kept] = box.write([Write("a", token, 0, "one", 1, "x\n")], 60)
        assert (kept.length, kept.logprobs_length) == (3, 2)
    # Without any that are new the mailbox still says how many it holds.
    assert box.write([Write("a", token, 3, "", 1, "", 2)], 60)[0].logprobs_length == 2
    [kept] = box.write([Write("a", token, 3, " two", 2, "yy\n", 2)], 60)
    assert (kept.length, kept.logprobs_length) == (7, 5)
    assert (box.logprobs("a"), box.logprobs("a", 2)) == ("x\nyy\n", "yy\n")
    kept = box.finish(Write("a", token, 7, "!", 3, "z\n", 5), DONE)
    assert (kept.verdict, kept.logprobs_length) == ("kept", 7)
    ending = box.finished_reply("a")
    assert ending is not None
    assert (ending.text, box.logprobs("a")) == ("one two!", "x\nyy\nz\n")
    box.mark_collected([CollectedReply("a", 1)])
    assert 0 < valkey.client.ttl("mailbox:text:a:logprobs") <= 60


def test_log_probabilities_that_redis_lost_are_asked_for_again(box: Mailbox) -> None:
    enqueue(box, "a")
    token = claim(box).token
    [kept] = box.write([Write("a", token, 0, "one", 1, "late\n", 9)], 60)
    assert (kept.verdict, kept.length, kept.logprobs_length) == ("kept", 3, 0)
    kept = box.finish(Write("a", token, 3, "", 1, "late\n", 9), DONE)
    assert (kept.verdict, kept.logprobs_length) == ("again", 0)
    kept = box.finish(Write("a", token, 3, "", 1, "all\nlate\n", 0), DONE)
    assert (kept.verdict, kept.logprobs_length) == ("kept", 9)


@pytest.mark.parametrize("how", ["claim", "enqueue", "erase"])
def test_a_reply_that_begins_again_has_no_log_probabilities(
    box: Mailbox, valkey: Valkey, how: str
) -> None:
    enqueue(box, "a")
    token = claim(box).token
    box.write([Write("a", token, 0, "one", 1, "x\n")], 60)
    match how:
        case "claim":
            box.hand_back("a", token)
            claim(box)
        case "enqueue":
            enqueue(box, "a", attempt=2)
        case "erase":
            box.erase(["a"])
    assert not valkey.client.exists("mailbox:text:a:logprobs")


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


def test_what_waits_says_whether_it_is_a_helper_job(box: Mailbox) -> None:
    enqueue(box, "later", kind=wire.RequestKind.HELPER)
    enqueue(box, "now")
    assert look(box, "later").is_helper
    assert not look(box, "now").is_helper
    assert [claim(box).reply for _ in range(2)] == ["now", "later"]
    assert look(box, "later").is_helper


def test_a_helper_job_joins_the_people_with_the_cost_of_its_share(box: Mailbox) -> None:
    helper = {"share": "ann:helper", "kind": wire.RequestKind.HELPER}
    enqueue(box, "later", **helper)
    enqueue(box, "ann's", owner="ann")
    enqueue(box, "bob's", owner="bob")
    assert box.run_now("later", "ann")
    assert not box.run_now("later", "ann")
    assert look(box, "later").is_further
    assert box.first_in_line("m", 9) == ["ann's", "bob's", "later"]
    enqueue(box, "next", **helper)
    assert box.waiting_by_kind("m") == (3, 1)
    assert not look(box, "next").is_further, "the share has its cost back"


def test_only_what_waits_as_a_helper_job_can_join_the_people(box: Mailbox) -> None:
    enqueue(box, "now")
    enqueue(box, "later", kind=wire.RequestKind.HELPER)
    assert not box.run_now("now", "ann")
    assert not box.run_now("nowhere", "ann")
    for _ in range(2):
        held = claim(box)
    assert not box.run_now("later", "ann")
    assert box.hand_back("later", held.token) == "kept"
    assert box.run_now("later", "ann")


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


@pytest.mark.parametrize("line", ["{not json", "", "5", "9e9 {not json", "9e9 []"])
def test_an_unreadable_announcement_is_left_out(
    box: Mailbox, valkey: Valkey, line: str
) -> None:
    said = wire.Announcement("w1", "m", "M", wire.Stage.READY)
    valkey.client.hset("mailbox:workers:m", "junk", line)
    box.announce(said)
    assert box.workers("m") == (said,)
    box.remember("session", "ann")
    seen = box.snapshot("session", "m", [])
    assert seen is not None
    assert seen.workers == (said,)


def test_announcements_without_a_time_are_removed(box: Mailbox, valkey: Valkey) -> None:
    valkey.client.hset("mailbox:workers:m", "junk", "{not json")
    assert box.workers("m") == ()
    box.announce(wire.Announcement("w1", "m", "M", wire.Stage.READY))
    assert valkey.client.hkeys("mailbox:workers:m") == ["w1"]


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
    box.mark_collected([CollectedReply("a", 1)])
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
    box.mark_collected([CollectedReply("a", 1)])
    assert valkey.client.ttl("mailbox:reply:a") == NO_EXPIRY
    assert claim(box).attempt == 2


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
