from __future__ import annotations

from worker.watchdog import DeafnessDetector, StallDetector


def test_who_hears_nothing_while_replies_wait_beside_free_rows_is_deaf() -> None:
    deafness = DeafnessDetector(seconds=10)
    ears = {"bells": 4, "waiting": 2, "free": 1}
    assert [deafness.is_deaf(now, **ears) for now in (0, 1, 9)] == [False] * 3
    assert not deafness.is_deaf(10, **ears)  # counted from the second look on
    assert deafness.is_deaf(11, **ears)
    # Told once: what was done about it gets the same time to show.
    assert not deafness.is_deaf(12, **ears)
    assert not deafness.is_deaf(21, **ears)
    assert deafness.is_deaf(22, **ears)


def test_a_bell_a_full_engine_or_an_empty_line_begin_it_anew() -> None:
    for change in ({"bells": 5}, {"waiting": 0}, {"free": 0}):
        deafness = DeafnessDetector(seconds=10)
        ears = {"bells": 4, "waiting": 2, "free": 1}
        deafness.is_deaf(0, **ears)
        deafness.is_deaf(1, **ears)
        assert not deafness.is_deaf(9, **{**ears, **change})
        assert not deafness.is_deaf(12, **ears)


def test_an_engine_that_makes_no_step_with_live_replies_is_stalled() -> None:
    stall = StallDetector(seconds=60)
    assert not stall.is_stalled(0, steps=7, live=1)
    assert not stall.is_stalled(59, steps=7, live=1)
    assert stall.is_stalled(60, steps=7, live=1)


def test_an_idle_engine_and_a_slow_one_are_not_stalled() -> None:
    stall = StallDetector(seconds=60)
    assert not stall.is_stalled(0, steps=7, live=0)
    assert not stall.is_stalled(500, steps=7, live=0)
    assert not stall.is_stalled(559, steps=7, live=1)
    assert not stall.is_stalled(600, steps=8, live=1)
    assert not stall.is_stalled(659, steps=8, live=1)
