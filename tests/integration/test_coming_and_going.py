"""Workers that come and go, in order or not, while replies are being written."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Sequence

import pytest

from chat.keeper import Keeper
from chat.models import Reply, User
from chatsite.mailbox import Mailbox
from tests.environment import IS_SOAK
from tests.integration.conftest import SWEEP_SECONDS, ask, growing
from tests.integration.forked_program import ForkedProgram, forked_worker
from tests.valkey import Valkey
from worker.engine.script import expected_reply, without_marks

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
#: No worker serves for so long.
NIGHT_SECONDS = 30 if IS_SOAK else 0
#: Seconds before each word of a worker that still writes whenever a test gets to end it.
SLOW_PACE_SECONDS = 0.1
#: What the documentation promises after a worker was killed, at defaults.
RECOVERY_SECONDS = 20


def test_a_killed_worker_costs_nothing_and_shows_nothing_twice(
    owner: User, box: Mailbox, settled, ready, until, lease: str
) -> None:
    prompt = "a long story [words=80]"
    with forked_worker(SLOW_PACE_SECONDS, LEASE_SECONDS=lease) as first:
        ready()
        reply = ask(owner, prompt)
        until(lambda: growing(box, reply, owner))
        first.kill()
    with forked_worker(LEASE_SECONDS=lease):
        [row] = settled(reply)
    assert (row.state, row.losses) == ("done", 1)
    assert row.message.text == expected_reply(prompt)


def test_a_killed_workers_reply_runs_elsewhere_in_time_at_defaults(
    owner: User, box: Mailbox, ready, until
) -> None:
    prompt = "a long story [words=400] [delay=0.05] [run]"
    now = 0.0
    keeper = Keeper(lambda: now)
    keeper.sweep()
    now = 60.0  # it has been there for a minute
    with forked_worker(WORKER_SLOTS="1") as one, forked_worker(WORKER_SLOTS="1") as two:
        ready(2)
        reply = ask(owner, prompt)
        until(lambda: growing(box, reply, owner))
        killed = one if f"claimed reply {reply.pk}" in one.log else two

        def is_taken_over() -> bool:
            time.sleep(SWEEP_SECONDS)
            keeper.sweep()
            seen = growing(box, reply, owner)
            return seen is not None and seen.run == 2

        killed.kill()
        until(is_taken_over, RECOVERY_SECONDS)


def test_a_zombie_writes_nothing_into_a_reply_that_another_worker_took(
    owner: User, box: Mailbox, settled, ready, until, lease: str
) -> None:
    """Frozen past its lease, it goes on while the other one writes."""
    prompt = "a long story [words=120] [delay=0.04] [run]"
    keeper = Keeper()
    with (
        forked_worker(LEASE_SECONDS=lease, WORKER_SLOTS="1") as one,
        forked_worker(LEASE_SECONDS=lease, WORKER_SLOTS="1") as two,
    ):
        ready(2)
        reply = ask(owner, prompt)
        until(lambda: growing(box, reply, owner))
        is_first = f"claimed reply {reply.pk}" in one.log
        zombie, other = (one, two) if is_first else (two, one)
        os.killpg(zombie.process.pid, signal.SIGSTOP)

        def is_taken_over() -> bool:
            time.sleep(SWEEP_SECONDS)
            keeper.sweep()
            seen = growing(box, reply, owner)
            return seen is not None and seen.run == 2

        until(is_taken_over)
        os.killpg(zombie.process.pid, signal.SIGCONT)
        until(lambda: f"reply {reply.pk}: lost" in zombie.log)
        seen = growing(box, reply, owner)
        assert seen is not None and seen.run == 2, "the other one still writes"
        # Its row is free again.
        [row, _] = settled(reply, ask(owner, "and you"))
        assert f"reply {reply.pk}: done" in other.log
    assert (row.state, row.losses) == ("done", 1)
    assert without_marks(row.message.text) == expected_reply(prompt)


def test_a_worker_told_to_end_hands_back_and_exits_cleanly(
    owner: User, box: Mailbox, settled, ready, until, lease: str
) -> None:
    prompt = "slowly [words=100]"
    own = {"LEASE_SECONDS": lease, "WORKER_GRACE_SECONDS": "0.5"}
    with forked_worker(SLOW_PACE_SECONDS, **own) as first:
        ready()
        reply = ask(owner, prompt)
        until(lambda: growing(box, reply, owner))
        assert first.terminate(10) == 0
        assert box.waiting("scripted") == 1
        assert box.workers("scripted") == ()
    with forked_worker(LEASE_SECONDS=lease):
        [row] = settled(reply)
    assert (row.state, row.losses) == ("done", 0)
    assert row.message.text == expected_reply(prompt)


def test_all_workers_killed_and_back_after_a_while(
    owner: User, box: Mailbox, settled, ready, until, lease: str
) -> None:
    prompts = [f"story {n} [words=60] [run]" for n in range(8)]
    own = {"LEASE_SECONDS": lease, "WORKER_SLOTS": "2"}
    with (
        forked_worker(SLOW_PACE_SECONDS, **own) as one,
        forked_worker(SLOW_PACE_SECONDS, **own) as two,
    ):
        ready(2)
        replies = [ask(owner, prompt) for prompt in prompts]
        until(lambda: sum(bool(growing(box, r, owner)) for r in replies) == 4)
        one.kill()
        two.kill()
    keeper, morning = Keeper(), time.monotonic() + NIGHT_SECONDS

    def are_all_in_line_again() -> bool:
        time.sleep(SWEEP_SECONDS)
        keeper.sweep()
        return time.monotonic() > morning and box.waiting("scripted") == len(prompts)

    until(are_all_in_line_again, NIGHT_SECONDS + 20)
    with forked_worker(LEASE_SECONDS=lease, WORKER_SLOTS="4"):
        rows = settled(*replies)
    assert sorted(row.losses for row in rows) == [0, 0, 0, 0, 1, 1, 1, 1]
    assert_whole(rows, prompts)


def test_told_to_end_with_every_row_full_a_worker_hands_all_of_them_back(
    owner: User, box: Mailbox, settled, ready, until, lease: str
) -> None:
    prompts = [f"story {n} [words=100] [run]" for n in range(6)]
    own = {"LEASE_SECONDS": lease, "WORKER_SLOTS": "4", "WORKER_GRACE_SECONDS": "1"}
    with forked_worker(SLOW_PACE_SECONDS, **own) as first:
        ready()
        replies = [ask(owner, prompt) for prompt in prompts]
        until(lambda: sum(bool(growing(box, r, owner)) for r in replies) == 4)
        assert first.terminate(5) == 0
        assert box.waiting("scripted") == 6
    with forked_worker(**own):
        rows = settled(*replies)
    assert [row.losses for row in rows] == [0] * 6
    assert_whole(rows, prompts)


def test_told_to_end_a_worker_finishes_what_fits_into_its_grace_time(
    owner: User, box: Mailbox, settled, ready, until, lease: str
) -> None:
    prompts = [f"story {n} [words=40] [delay=0.05] [run]" for n in range(4)]
    with forked_worker(LEASE_SECONDS=lease, WORKER_SLOTS="4") as program:
        ready()
        replies = [ask(owner, prompt) for prompt in prompts]
        until(lambda: all(growing(box, r, owner) for r in replies))
        late = ask(owner, "too late")
        assert program.terminate(25) == 0
        rows = settled(*replies)
        assert Reply.objects.get(pk=late.pk).state == "queued"
    assert_whole(rows, prompts)


def test_told_to_end_while_redis_is_down_a_worker_ends_and_nothing_is_lost(
    owner: User, box: Mailbox, valkey: Valkey, settled, ready, until, lease: str
) -> None:
    prompt = "slowly [words=100] [run]"
    own = {"LEASE_SECONDS": lease, "WORKER_GRACE_SECONDS": "1"}
    with forked_worker(SLOW_PACE_SECONDS, **own) as first:
        ready()
        reply = ask(owner, prompt)
        until(lambda: growing(box, reply, owner))
        valkey.stop()
        try:
            assert first.terminate(15) == 0
        finally:
            valkey.start()
    with forked_worker(**own):
        ready()
        rows = settled(reply)
    assert_whole(rows, [prompt])


def test_told_to_end_while_it_loads_a_worker_ends_at_once(
    valkey: Valkey, until, box: Mailbox
) -> None:
    with ForkedProgram("tests.integration.loading") as program:
        until(lambda: box.workers("scripted"))
        assert program.terminate(5) == 0
        assert "Traceback" not in program.log


def test_a_rolling_restart_under_load_loses_nothing(
    owner: User, box: Mailbox, settled, ready, lease: str
) -> None:
    """One worker after the other is replaced while people go on sending."""
    own = {"LEASE_SECONDS": lease, "WORKER_SLOTS": "3", "WORKER_GRACE_SECONDS": "1"}
    sent: list[tuple[Reply, str]] = []
    dice = random.Random(1)

    def go_on_sending(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            words = dice.choice([5, 10, 60])
            text = f"story {len(sent)} [words={words}] [delay=0.03] [run]"
            sent.append((ask(owner, text), text))
            time.sleep(0.1)

    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(forked_worker(**own)) for _ in range(2)]
        ready(2)
        for worker in workers:
            go_on_sending(1)
            worker.process.terminate()
            stack.enter_context(forked_worker(**own))
            go_on_sending(1)
            assert worker.process.wait(10) == 0
        rows = settled(*(reply for reply, _ in sent))
    assert {row.losses for row in rows} == {0}
    assert_whole(rows, [text for _, text in sent])


def assert_whole(rows: Sequence[Reply], prompts: Sequence[str]) -> None:
    """Each done, its text right to the character and of one run."""
    assert [row.state for row in rows] == ["done"] * len(prompts)
    texts = [without_marks(row.message.text) for row in rows]
    assert texts == [expected_reply(prompt) for prompt in prompts]
