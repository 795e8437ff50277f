"""A real Celery worker process on a real Valkey, with the scripted engine."""

from __future__ import annotations

import contextlib
import re
import time

import pytest

from chat.keeper import Keeper
from chat.models import Reply, User
from chat.services.jobs.stop import stop_reply
from chatsite.celery import app
from chatsite.mailbox import Mailbox
from tests.integration.conftest import ask, growing
from tests.integration.forked_program import ForkedProgram, forked_worker
from tests.valkey import Valkey
from worker.engine.script import expected_reply

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


def test_prompts_are_answered_and_show_as_one_task_each(
    owner: User, valkey: Valkey, settled, ready, until, lease: str
) -> None:
    with forked_worker(WORKER_SLOTS="4", LEASE_SECONDS=lease) as worker:
        ready()
        replies = [ask(owner, f"question {i}") for i in range(12)]
        rows = settled(*replies)
        until(lambda: len(_tasks(worker, "succeeded")) >= len(replies))
        succeeded, received = _tasks(worker, "succeeded"), _tasks(worker, "received")
    assert [row.message.text for row in rows] == [
        expected_reply(f"question {i}") for i in range(12)
    ]
    assert all(row.state == "done" and row.worker and row.new_tokens for row in rows)
    assert sorted(succeeded) == sorted(f"{reply.pk}.1" for reply in replies)
    assert set(received) == set(succeeded)


def _tasks(worker: ForkedProgram, what: str) -> list[str]:
    """The ids of tasks that became ``what``, as Celery logs it."""
    return re.findall(rf"Task chatsite\.generate\[(\S+)\] {what}", worker.log)


def test_text_grows_before_the_reply_ends(
    owner: User, box: Mailbox, settled, ready, until, lease: str
) -> None:
    with forked_worker(LEASE_SECONDS=lease):
        ready()
        prompt = "tell me [words=60] [delay=0.05]"
        reply = ask(owner, prompt)
        until(lambda: growing(box, reply, owner))
        first = growing(box, reply, owner)
        assert first is not None
        assert expected_reply(prompt).startswith(first.text)
        assert len(first.text) < len(expected_reply(prompt))
        [row] = settled(reply)
    assert row.message.text == expected_reply(prompt)
    assert row.first_text_at is not None and row.started_at is not None


def test_stop_reaches_a_running_reply_and_keeps_its_text(
    owner: User, box: Mailbox, settled, ready, until, lease: str
) -> None:
    prompt = "on and on [words=2000] [delay=0.05]"
    with forked_worker(LEASE_SECONDS=lease):
        ready()
        reply = ask(owner, prompt)
        until(lambda: growing(box, reply, owner))
        stop_reply(reply)
        [row] = settled(reply, seconds=10)
        assert row.state == "stopped"
        assert row.message.text
        assert expected_reply(prompt).startswith(row.message.text)
        [after] = settled(ask(owner, "next one"))
    assert after.state == "done"


def test_a_failing_prompt_fails_alone(owner: User, settled, ready, lease: str) -> None:
    with forked_worker(LEASE_SECONDS=lease, WORKER_SLOTS="2"):
        ready()
        rows = settled(ask(owner, "[fail]"), ask(owner, "fine"))
    assert [row.state for row in rows] == ["failed", "done"]
    assert rows[0].error == "model_error"


def test_garbage_in_the_queue_leaves_the_worker_alive(
    owner: User, valkey: Valkey, settled, ready, lease: str
) -> None:
    with forked_worker(LEASE_SECONDS=lease) as program:
        ready()
        with app.connection() as link:
            producer = link.Producer(routing_key="generate.scripted")
            headers = {"task": "chatsite.generate", "id": "garbage"}
            producer.publish("{broken", content_type="application/json")
            producer.publish(
                b"\x80\x04.", content_type="application/x-python-serialize"
            )
            producer.publish([["x" * 10_000_000], {}, {}], headers=headers)
            # Envelopes of tasks around bodies that are none, and half envelopes.
            for body in ([1, 2], [[], 5, {}], {"args": 1}, "text", None, 7):
                producer.publish(body, headers=headers)
                producer.publish(body)
            producer.publish([[], {}, {}], headers={"task": ["no", "name"]})
        for raw in (b"\xff\xfe garbage", b"[1, 2]", b"{}", b'{"body": 5}', b"null"):
            valkey.client.lpush("chat:generate.scripted", raw)
        app.send_task("os.system", args=["true"], queue="generate.scripted")
        [row] = settled(ask(owner, "still there?"))
        assert row.state == "done"
        assert program.is_alive
        assert "Unrecoverable error" not in program.log
        assert valkey.client.llen("chat:generate.scripted") == 0
    # Nothing of it comes back to the next worker.
    with forked_worker(LEASE_SECONDS=lease) as program:
        ready()
        assert settled(ask(owner, "and now?"))[0].state == "done"
        assert "dropped" not in program.log
        assert "rejected a message" not in program.log


def test_a_hundred_bells_for_one_reply_answer_it_once(
    owner: User, settled, ready, lease: str
) -> None:
    with forked_worker(LEASE_SECONDS=lease, WORKER_SLOTS="4") as program:
        ready()
        reply = ask(owner, "once please")
        for _ in range(100):
            app.send_task("chatsite.generate", queue="generate.scripted")
        rows = settled(reply, ask(owner, "and you"))
        assert [row.state for row in rows] == ["done", "done"]
        assert program.log.count(f"claimed reply {reply.pk}") == 1


def test_a_worker_survives_a_restart_of_redis_and_serves_what_was_forgotten(
    owner: User, valkey: Valkey, settled, ready, lease: str
) -> None:
    with forked_worker(LEASE_SECONDS=lease):
        ready()
        valkey.stop()
        away = ask(owner, "sent while the queue was away")
        assert away.state == "queued"
        valkey.start()
        ready()
        rows = settled(away, ask(owner, "and after"), seconds=60)
    assert [row.state for row in rows] == ["done", "done"]


def test_no_text_of_a_prompt_stands_in_logs_or_broker_messages(
    owner: User, valkey: Valkey, settled, ready, lease: str
) -> None:
    canary = "xylophone-canary"
    reply = ask(owner, f"{canary} [fail]")
    assert all(
        canary not in message
        for message in valkey.client.lrange("chat:generate.scripted", 0, -1)
    )
    with forked_worker(LEASE_SECONDS=lease) as program:
        settled(reply)
        assert canary not in program.log


def test_a_worker_still_listens_after_redis_died_under_a_running_reply(
    owner: User, box: Mailbox, valkey: Valkey, settled, ready, until, lease: str
) -> None:
    slow = "slowly [words=400] [delay=0.1]"
    with forked_worker(LEASE_SECONDS=lease, WORKER_SLOTS="2") as program:
        ready()
        reply = ask(owner, slow)
        until(lambda: growing(box, reply, owner))
        valkey.stop()
        valkey.start()
        ready()
        [quick] = settled(ask(owner, "and a quick one"), seconds=30)
        assert quick.state == "done"
        assert program.is_alive
        assert "Unrecoverable error" not in program.log


def test_a_poisonous_prompt_takes_no_innocent_along_after_two_losses(
    owner: User, box: Mailbox, settled, ready, until, lease: str
) -> None:
    """Each worker that it ends is started anew, as a supervisor does."""
    slow = "a long story [words=60] [delay=0.05]"
    with contextlib.ExitStack() as stack:

        def start() -> ForkedProgram:
            return stack.enter_context(
                forked_worker(LEASE_SECONDS=lease, WORKER_SLOTS="4")
            )

        programs = [start()]
        ready()
        poison = ask(owner, "bad [words=4] [delay=0.05] [crash]")
        keeper = Keeper()

        def is_over() -> bool:
            time.sleep(0.3)
            keeper.sweep()
            if not programs[-1].is_alive:
                programs.append(start())
            poison.refresh_from_db()
            if len(programs) == 3 and not innocent:
                # Sent once it is to run alone: they must not meet in one worker.
                innocent.append(ask(owner, slow))
            return poison.is_terminal

        innocent: list[Reply] = []
        until(is_over, 90)
        assert (poison.state, poison.error, poison.losses) == (
            "failed",
            "worker_lost",
            3,
        )
        if not programs[-1].is_alive:
            programs.append(start())
        [row] = settled(*innocent, seconds=60)
    assert (row.state, row.losses) == ("done", 0)
    assert row.message.text == expected_reply(slow)


def test_a_deaf_worker_reconnects(owner: User, settled, ready, lease: str) -> None:
    with ForkedProgram("tests.integration.deaf", LEASE_SECONDS=lease) as program:
        ready()
        [row] = settled(ask(owner, "can you hear me?"), seconds=60)
        assert row.state == "done"
        assert "reconnecting" in program.log
        # And keeps listening.
        [row] = settled(ask(owner, "and now?"), seconds=8)
        assert row.state == "done"
        assert program.terminate() == 0
