"""When a delivery is tried again."""

from __future__ import annotations

from datetime import timedelta

from chat.services.webhooks.schedule import TRIES_MAX, delay_after


def test_delays_grow_from_seconds_to_a_day_and_end_after_three_days() -> None:
    delays = [delay_after(attempts, 0) for attempts in range(1, TRIES_MAX)]
    seconds = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert delays == [timedelta(seconds=one) for one in seconds]
    assert delay_after(TRIES_MAX, 0) is None
    assert delay_after(TRIES_MAX + 5, 0) is None


def test_chance_adds_up_to_a_fifth() -> None:
    assert delay_after(2, 1) == timedelta(seconds=360)
    assert delay_after(0, 0) == timedelta(seconds=5)
