"""The detectors of the watchdog, as tables of time and counters."""

from __future__ import annotations

from worker.watchdog import DeafnessDetector, StallDetector


def test_a_worker_without_bells_beside_waiting_replies_is_deaf() -> None:
    deafness = DeafnessDetector(seconds=10)
    activity = {"bells": 4, "waiting": 2, "free": 1}
    assert [deafness.is_deaf(now, **activity) for now in (0, 1, 9)] == [False] * 3
    assert not deafness.is_deaf(10, **activity)  # the time starts at the second check
    assert deafness.is_deaf(11, **activity)
    # Reported once; the reconnection gets the same time to take effect.
    assert not deafness.is_deaf(12, **activity)
    assert not deafness.is_deaf(21, **activity)
    assert deafness.is_deaf(22, **activity)


def test_a_bell_a_full_engine_or_an_empty_line_restarts_the_time() -> None:
    for change in ({"bells": 5}, {"waiting": 0}, {"free": 0}):
        deafness = DeafnessDetector(seconds=10)
        activity = {"bells": 4, "waiting": 2, "free": 1}
        deafness.is_deaf(0, **activity)
        deafness.is_deaf(1, **activity)
        assert not deafness.is_deaf(9, **{**activity, **change})
        assert not deafness.is_deaf(12, **activity)


def test_an_engine_without_steps_and_with_live_replies_is_stalled() -> None:
    stall = StallDetector(seconds=60)
    assert not stall.is_stalled(0, steps=7, live=1)
    assert not stall.is_stalled(59, steps=7, live=1)
    assert stall.is_stalled(60, steps=7, live=1)


def test_idle_and_slow_engines_are_not_stalled() -> None:
    stall = StallDetector(seconds=60)
    assert not stall.is_stalled(0, steps=7, live=0)
    assert not stall.is_stalled(500, steps=7, live=0)
    assert not stall.is_stalled(559, steps=7, live=1)
    assert not stall.is_stalled(600, steps=8, live=1)
    assert not stall.is_stalled(659, steps=8, live=1)
