"""How soon a page asks again, as a table."""

from __future__ import annotations

import uuid

import pytest

from chat.page.poll_interval import JITTER, PollInterval, jittered
from chat.services.jobs.reply_status import ReplyStatus
from chatsite.wire import Stage, State

PACE = PollInterval(flow_seconds=0.2, idle_seconds=20)
PK = uuid.UUID(int=1)


def status(state: State, **known: object) -> ReplyStatus:
    return ReplyStatus(PK, state, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("statuses", "stage", "previous", "expected"),
    [
        ([], Stage.READY, 0, 20),
        ([], Stage.LOADING, 0, 2),
        ([], None, 0, 5),
        ([status(State.DONE)], Stage.READY, 0, 20),
        ([status(State.HELD)], Stage.READY, 0, 20),
        ([status(State.RUNNING, text="a")], Stage.READY, 2, 0.2),
        ([status(State.RUNNING, is_stopping=True)], Stage.READY, 2, 0.2),
        ([status(State.RUNNING)], Stage.READY, 20, 0.2),
        ([status(State.RUNNING, seconds=2)], Stage.READY, 0.4, 0.5),
        ([status(State.RUNNING, seconds=60)], Stage.READY, 0.4, 2),
        ([status(State.RUNNING, length=1)], Stage.READY, 0, 0.3),
        ([status(State.RUNNING, length=1)], Stage.READY, 1.8, 2),
        ([status(State.QUEUED)], Stage.READY, 0, 0.2),
        ([status(State.QUEUED, seconds=9)], Stage.READY, 0, 0.4),
        ([status(State.QUEUED, seconds=9, place=8)], Stage.READY, 0, 0.8),
        ([status(State.QUEUED, place=500)], Stage.READY, 0, 10),
        ([status(State.QUEUED)], None, 0, 2),
        ([status(State.QUEUED, is_unpublished=True)], Stage.READY, 0, 2),
        (
            [status(State.QUEUED, place=500), status(State.RUNNING, text="a")],
            Stage.READY,
            0,
            0.2,
        ),
    ],
)
def test_the_delay_follows_what_happens(
    statuses: list[ReplyStatus], stage: Stage | None, previous: float, expected: float
) -> None:
    found = PACE.next(statuses, stage, previous_seconds=previous)
    assert found == pytest.approx(expected)


def test_without_redis_it_asks_now_and_then() -> None:
    assert PACE.next([status(State.QUEUED)], None, is_away=True) == 2


def test_the_watchdog_never_overtakes_a_long_idle_delay() -> None:
    assert PACE.watchdog_seconds == 25
    assert PollInterval(0.4, 1).watchdog_seconds == 20
    assert PollInterval(0.4, 60).watchdog_seconds > 60 * (1 + JITTER)


def test_no_two_pages_stay_in_step() -> None:
    delays = {jittered(10) for _ in range(50)}
    assert len(delays) > 40
    assert all(8 <= delay <= 12 for delay in delays)
