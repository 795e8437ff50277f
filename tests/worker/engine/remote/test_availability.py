"""How long a server is left alone, as a table of events and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from worker.engine.remote.availability import (
    AWAY_SECONDS,
    JITTER,
    PAUSE_MAX_SECONDS,
    PAUSE_SECONDS,
    Availability,
)
from worker.engine.remote.faults import (
    RETRY_AFTER_MAX_SECONDS,
    Interrupted,
    retry_after_seconds,
)

CUT = Interrupted("cut")


@pytest.fixture
def present() -> Availability:
    availability = Availability(check_seconds=10)
    availability.note_present(0)
    return availability


def test_it_is_away_until_it_has_answered() -> None:
    changes: list[None] = []
    availability = Availability(10, lambda: changes.append(None))
    assert availability.pause is not None
    assert availability.is_check_due(0)
    availability.note_present(0)
    assert availability.pause is None
    assert len(changes) == 1
    assert not availability.is_check_due(9)
    assert availability.is_check_due(10)


def test_a_server_that_answers_is_not_asked(present: Availability) -> None:
    present.note_answer(9)
    assert not present.is_check_due(18)


def test_an_absent_server_is_asked_again_soon(present: Availability) -> None:
    present.note_absent(CUT, 0)
    assert present.pause is not None
    assert present.pause.reason == "Cut."
    assert not present.is_check_due(AWAY_SECONDS - 0.1)
    assert present.is_check_due(AWAY_SECONDS * (1 + JITTER))


def test_pauses_grow_until_a_reply_works(present: Availability) -> None:
    now, waits = 0.0, []
    for _ in range(12):
        present.note_interruption(CUT, now)
        began = now
        while not present.is_check_due(now):
            now += 0.01
        waits.append(now - began)
        present.note_present(now)
    assert waits[0] <= PAUSE_SECONDS * (1 + JITTER) + 0.01
    assert waits[3] > waits[0] * 4
    assert max(waits) <= PAUSE_MAX_SECONDS * (1 + JITTER) + 0.01
    present.note_answer(now)
    present.note_interruption(CUT, now)
    assert present.is_check_due(now + PAUSE_SECONDS * (1 + JITTER))


def test_replies_that_one_fault_cuts_together_count_once(present: Availability) -> None:
    for _ in range(8):
        present.note_interruption(CUT, 0)
    assert present.is_check_due(PAUSE_SECONDS * (1 + JITTER))


def test_it_waits_as_long_as_the_server_says(present: Availability) -> None:
    present.note_interruption(Interrupted("busy", retry_after=20), 0)
    present.note_interruption(CUT, 0)
    assert not present.is_check_due(19)
    assert present.is_check_due(20 * (1 + JITTER))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("1e9", RETRY_AFTER_MAX_SECONDS),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 0001 00:00:00 +9999", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str, seconds: float | None) -> None:
    assert retry_after_seconds(header) == seconds


def test_a_date_to_come_is_waited_for() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    seconds = retry_after_seconds(date)
    assert seconds is not None
    assert 0 < seconds <= 100
