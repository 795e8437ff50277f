"""Whose reply it is: who sees it, who takes it over, who erases it."""

from __future__ import annotations

import time

from chatsite import wire
from chatsite.mailbox import (
    Mailbox,
    MissingReply,
    QueuedReply,
)
from tests.chatsite.mailbox_calls import DONE, claim, enqueue, look
from tests.valkey import Valkey


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


def test_helper_jobs_handed_over_do_not_delay_messages_of_the_new_owner(
    box: Mailbox,
) -> None:
    enqueue(box, "later", "ann", share="ann:helper", kind=wire.RequestKind.HELPER)
    box.hand_over(["later"], "bee", "bee")
    enqueue(box, "c", "cy")
    enqueue(box, "b", "bee")
    assert box.first_in_line("m", 9) == ["c", "b", "later"]
    assert not look(box, "b", "bee").is_further


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


def test_a_page_in_front_of_its_owner_leaves_its_time(box: Mailbox) -> None:
    box.remember("session", "ann")
    box.snapshot("session", "m", [])
    assert box.seen_at("ann") is None
    begin = time.time()
    box.snapshot("session", "m", [], is_seen=True)
    box.snapshot("unknown session", "m", [], is_seen=True)
    seen = box.seen_at("ann")
    assert seen is not None
    assert begin - 1 <= seen <= time.time() + 1
    assert box.seen_at("bob") is None


def test_its_time_is_written_every_two_seconds_at_most(
    box: Mailbox, valkey: Valkey
) -> None:
    box.remember("session", "ann")
    for age, is_written in ((-60, False), (60, True)):
        before = f"{time.time() - age:.3f}"
        valkey.client.set("mailbox:seen:ann", before)
        box.snapshot("session", "m", [], is_seen=True)
        assert (valkey.client.get("mailbox:seen:ann") != before) is is_written


def test_an_erased_owner_was_never_seen(box: Mailbox) -> None:
    box.remember("session", "ann")
    box.snapshot("session", "m", [], is_seen=True)
    box.erase_owner("ann")
    assert box.seen_at("ann") is None
