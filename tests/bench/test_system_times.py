"""What lies between the replies of a worker, from their times."""

from __future__ import annotations

import pytest

from bench.system.times import ReplyTimes, overheads, per_minute


def reply(worker: str, queued: float, started: float) -> ReplyTimes:
    """A reply of one second whose first text comes after a tenth of it."""
    return ReplyTimes("", worker, queued, started, started + 0.1, started + 1)


def test_a_reply_that_waited_shows_what_the_system_adds() -> None:
    busy = [reply("a", 0, 10), reply("a", 0, 11.005), reply("a", 0, 12.01)]
    found = overheads(busy, engine_seconds=0.08)
    assert found.to_claim == pytest.approx([0.005, 0.005])
    assert found.to_text == pytest.approx([0.025, 0.025])


def test_a_worker_that_waited_for_a_message_shows_nothing() -> None:
    assert overheads([reply("a", 0, 1), reply("a", 3, 3.5)], 0).to_claim == []


def test_replies_of_two_workers_are_no_pair() -> None:
    assert overheads([reply("a", 0, 1), reply("b", 0, 2.5)], 0).to_claim == []


def test_rates_of_workers_add_up() -> None:
    two = [reply(worker, 0, start) for start in range(5) for worker in "ab"]
    assert per_minute(two) == pytest.approx(120)
