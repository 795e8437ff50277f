"""Who waits for a reply, as web processes and the keeper tell each other."""

from __future__ import annotations

from chatsite.mailbox import Mailbox
from chatsite.mailbox.callers import CallerMark
from chatsite.mailbox.results import LiveState
from tests.chatsite.mailbox_calls import enqueue
from tests.valkey import Valkey

SECONDS = 20


def mark(box: Mailbox, process: str, *replies: str) -> None:
    enqueue(box, replies[0])
    said = CallerMark(process, replies, SECONDS)
    [found] = box.live_replies([(replies[0], 0, 0)], said)
    assert found.state is LiveState.QUEUED


def grow_old(valkey: Valkey, process: str, reply: str) -> None:
    """A mark of long ago."""
    valkey.client.zadd(f"mailbox:callers:{process}", {reply: 1})
    valkey.client.zadd("mailbox:kept", {reply: 1})


def test_a_process_lets_go_of_what_no_other_one_waits_for(box: Mailbox) -> None:
    mark(box, "p", "a", "b")
    mark(box, "q", "b")
    assert box.let_go("p", ["a", "b", "never marked"], SECONDS) == ["a", "never marked"]
    assert box.let_go("q", ["b"], SECONDS) == ["b"]


def test_a_process_that_is_silent_counts_no_longer(
    box: Mailbox, valkey: Valkey
) -> None:
    mark(box, "p", "a")
    mark(box, "q", "a")
    grow_old(valkey, "q", "a")
    assert box.let_go("p", ["a"], SECONDS) == ["a"]
    mark(box, "q", "a")
    valkey.client.zadd("mailbox:callers", {"q": 1})
    assert box.let_go("p", ["a"], SECONDS) == ["a"]


def test_a_reply_is_abandoned_once_all_its_processes_are_silent(
    box: Mailbox, valkey: Valkey
) -> None:
    mark(box, "p", "a", "b")
    assert box.abandoned(SECONDS, 9) == []
    grow_old(valkey, "p", "a")
    assert box.abandoned(SECONDS, 9) == ["a"]
    mark(box, "q", "a")
    assert box.abandoned(SECONDS, 9) == []


def test_what_was_abandoned_can_be_forgotten(box: Mailbox, valkey: Valkey) -> None:
    mark(box, "p", "a")
    grow_old(valkey, "p", "a")
    box.forget_abandoned(["a"])
    assert box.abandoned(SECONDS, 9) == []


def test_marks_leave_nothing_for_long(box: Mailbox, valkey: Valkey) -> None:
    mark(box, "p", "a", "b")
    grow_old(valkey, "p", "b")
    valkey.client.zadd("mailbox:callers", {"gone": 1})
    mark(box, "p", "a")
    assert valkey.client.zrange("mailbox:callers:p", 0, -1) == ["a"]
    assert valkey.client.zrange("mailbox:callers", 0, -1) == ["p"]
    assert 0 < valkey.client.ttl("mailbox:callers:p") <= 2 * SECONDS
    assert valkey.client.ttl("mailbox:kept") > 0


def test_thousands_are_marked_in_one_trip(box: Mailbox, valkey: Valkey) -> None:
    replies = [str(number) for number in range(1201)]
    mark(box, "p", *replies)
    assert valkey.client.zcard("mailbox:kept") == len(replies)
    assert box.let_go("q", replies, SECONDS) == []
    assert box.let_go("p", replies, SECONDS) == replies
