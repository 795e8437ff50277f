"""A worker does what an operator orders, with a real mailbox and a scripted engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chatsite.mailbox_calls import REQUEST
from worker.engine.scripted import ScriptedEngine
from worker.orders import OrderFollower
from worker.serving import ReplyServer

SERVE, DRAIN, END = wire.WorkerOrder


class Served:
    """A worker that announces itself when it is told to."""

    def __init__(self, box: Mailbox) -> None:
        self.box = box
        self.left = 0
        self.server = ReplyServer(
            ScriptedEngine(rows=2),
            box,
            "w",
            lease_seconds=60,
            flush_seconds=0.05,
            on_change=lambda: None,
        )
        self.orders = OrderFollower(self.server, self._leave)

    def _leave(self) -> None:
        self.left += 1

    def announce(self, order: wire.WorkerOrder | None = None) -> wire.Announcement:
        if order is not None:
            self.box.order("scripted", "w", order)
        self.orders.follow(self.box.announce(self.server.announcement()))
        return self.server.announcement()

    def ask(self, reply: str, words: int = 3) -> None:
        turn = wire.Turn(wire.Role.USER, f"story [words={words}] [delay=0.01]")
        request = wire.Request((turn,), wire.SamplingParams(), 60)
        self.box.enqueue(
            *(reply, 1),
            owner="ann",
            share="ann",
            cost=9.0,
            model="scripted",
            request=request,
        )

    def has_ended(self, reply: str) -> bool:
        return reply in self.box.finished()


@pytest.fixture
def served(box: Mailbox) -> Iterator[Served]:
    made = Served(box)
    yield made
    made.server.drain(0)
    made.server.close()


def test_a_worker_without_orders_serves(served: Served) -> None:
    assert served.announce().stage is wire.Stage.READY
    assert REQUEST.version == wire.VERSION


def test_a_drained_worker_takes_nothing_until_it_is_to_serve_again(
    served: Served, until: Callable[..., None]
) -> None:
    drained = served.announce(DRAIN)
    assert (drained.stage, drained.free) == (wire.Stage.DRAINING, 0)
    served.ask("a")
    served.server.answer_next()
    assert served.box.waiting("scripted") == 1
    assert served.server.waiting() == 0, "the watchdog must not call it deaf"
    served.announce(SERVE)
    until(lambda: served.has_ended("a"))  # without another bell
    assert served.announce().stage is wire.Stage.READY


def test_what_is_being_written_is_finished_before_a_worker_ends(
    served: Served, until: Callable[..., None]
) -> None:
    served.ask("a", words=50)
    served.server._wake()
    until(lambda: not served.server.is_idle())
    served.announce(END)
    assert served.left == 0
    until(served.server.is_idle)
    served.announce()
    served.announce()
    assert served.left == 1
    until(lambda: served.has_ended("a"))


def test_an_order_outlives_an_emptied_redis(served: Served) -> None:
    served.announce(DRAIN)
    served.box.connection.command("FLUSHALL")
    assert served.announce().stage is wire.Stage.DRAINING


def test_a_paused_model_gives_nothing_until_it_goes_on(
    served: Served, until: Callable[..., None]
) -> None:
    served.ask("a")
    served.box.pause("scripted")
    served.announce()
    served.server.answer_next()
    assert served.box.waiting("scripted") == 1
    assert served.server.waiting() == 0
    served.box.unpause("scripted")
    served.announce()
    until(lambda: served.has_ended("a"))
    assert served.server.announcement().replies == 1


def test_an_order_that_only_a_newer_site_knows_changes_nothing(served: Served) -> None:
    key = "mailbox:workers:scripted:order:w"
    served.box.connection.command("SET", key, "dance")
    assert served.announce().stage is wire.Stage.READY
