"""Messages that wait until workers are idle, beside a real worker process."""

from __future__ import annotations

import itertools
import uuid

import pytest

from chat.models import Reply, User
from chat.services.jobs.run_now import run_now
from chat.services.messages import send_message
from chatsite.mailbox import Mailbox
from tests.integration.conftest import ask, growing
from tests.integration.forked_program import forked_worker
from worker.engine.script import expected_reply

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]
SLOW_PACE_SECONDS = 0.1
_keys = (f"idle-{i}" for i in itertools.count())


def ask_when_idle(owner: User, text: str) -> Reply:
    return send_message(owner, text, next(_keys), when_idle=True)


@pytest.fixture
def other(db: None) -> User:
    return User.objects.guest(uuid.uuid4())


def test_a_later_message_of_another_person_passes_it_and_both_are_answered(
    owner: User, other: User, box: Mailbox, settled, ready, until, lease: str
) -> None:
    with forked_worker(LEASE_SECONDS=lease, WORKER_SLOTS="1"):
        ready()
        busy = ask(other, "busy [words=60] [delay=0.05]")
        until(lambda: growing(box, busy, other))
        late, first = ask_when_idle(owner, "what can wait"), ask(other, "first")
        rows = settled(busy, late, first)
    assert [row.state for row in rows] == ["done"] * 3
    _busy, late, first = rows
    assert late.started_at is not None and first.finished_at is not None
    assert late.started_at >= first.finished_at
    assert late.message.text == expected_reply("what can wait")


def test_run_now_lets_it_be_written_while_others_for_idle_time_wait(
    owner: User, other: User, box: Mailbox, settled, ready, until, lease: str
) -> None:
    with forked_worker(LEASE_SECONDS=lease, WORKER_SLOTS="1"):
        ready()
        busy = ask(other, "busy [words=60] [delay=0.05]")
        until(lambda: growing(box, busy, other))
        waiting, wanted = (ask_when_idle(owner, text) for text in ("wait", "want"))
        run_now(Reply.objects.with_path().get(pk=wanted.pk))
        _busy, waiting, wanted = settled(busy, waiting, wanted)
    assert waiting.started_at is not None and wanted.finished_at is not None
    assert waiting.started_at >= wanted.finished_at


def test_it_gives_its_row_to_a_person_and_keeps_its_text(
    owner: User, other: User, box: Mailbox, settled, ready, until, lease: str
) -> None:
    prompt = "what can wait [words=60] [delay=0.05]"
    with forked_worker(LEASE_SECONDS=lease, WORKER_SLOTS="1"):
        ready()
        late = ask_when_idle(owner, prompt)
        until(lambda: growing(box, late, owner))
        first = ask(other, "first")
        late, first = settled(late, first)
    assert late.finished_at is not None and first.finished_at is not None
    assert first.finished_at < late.finished_at
    assert (late.attempt, late.losses) == (1, 0)
    assert late.message.text == expected_reply(prompt)


def test_a_killed_worker_leaves_it_waiting_for_idle_time(
    owner: User, other: User, box: Mailbox, settled, ready, until, lease: str
) -> None:
    prompt = "what can wait [words=80]"
    with forked_worker(SLOW_PACE_SECONDS, LEASE_SECONDS=lease) as killed:
        ready()
        late = ask_when_idle(owner, prompt)
        until(lambda: growing(box, late, owner))
        killed.kill()
    first = ask(other, "first [words=20]")
    with forked_worker(LEASE_SECONDS=lease, WORKER_SLOTS="1"):
        late, first = settled(late, first)
    assert late.is_helper
    assert (late.state, late.losses) == ("done", 1)
    assert late.message.text == expected_reply(prompt)
    assert first.started_at is not None and late.finished_at is not None
    assert first.started_at < late.finished_at
