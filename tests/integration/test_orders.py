"""Operators order real worker processes through the mailbox, and they obey."""

from __future__ import annotations

import pytest

from chat.keeper import Keeper
from chat.models import User
from chat.services.operation import control
from chatsite import wire
from chatsite.mailbox import Mailbox
from chatsite.startup import ENDED_STATUS
from tests.integration.conftest import ask, growing
from tests.integration.forked_program import forked_worker

pytestmark = pytest.mark.django_db(transaction=True)
#: An order is obeyed at the next announcement, one of which is sent each second.
OBEYED_SECONDS = 2


def test_an_ended_worker_finishes_its_reply_and_says_that_it_stays_away(
    owner: User, box: Mailbox, settled, ready, until
) -> None:
    with forked_worker() as program:
        ready()
        [said] = box.workers("scripted")
        assert said.takes_orders and said.host and said.started_at
        reply = ask(owner, "a story [words=60] [delay=0.05] [run]")
        until(lambda: growing(box, reply, owner))
        assert control.order_worker("scripted", said.worker, wire.WorkerOrder.END)
        until(
            lambda: box.workers("scripted")[0].stage is wire.Stage.DRAINING,
            OBEYED_SECONDS,
        )
        assert program.process.wait(30) == ENDED_STATUS
        [row] = settled(reply)
    assert (row.state, row.losses) == ("done", 0)
    assert box.workers("scripted") == ()


def test_a_paused_model_keeps_what_waits_and_starts_it_when_it_goes_on(
    owner: User, box: Mailbox, settled, ready, until
) -> None:
    with forked_worker():
        ready()
        control.pause("scripted")
        reply = ask(owner, "a story [words=5]")
        keeper = Keeper()
        for _ in range(3):
            keeper.sweep()  # rings for nothing that is paused
        assert box.waiting("scripted") == 1
        control.resume("scripted")
        until(lambda: box.waiting("scripted") == 0, OBEYED_SECONDS)
        [row] = settled(reply)
    assert row.state == "done"
