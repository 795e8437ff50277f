"""What is read from the frames in which a text became visible."""

from __future__ import annotations

import pytest

from bench.text_flow import Flow, Frame

#: Ten characters come at once and are seen in two parts; later five come and are seen.
FRAMES = [
    Frame(1.0, 10, 0),
    Frame(1.1, 10, 4),
    Frame(1.3, 10, 10),
    Frame(1.4, 10, 10),
    Frame(2.1, 15, 15),
]


def test_changes_pauses_and_delays() -> None:
    flow = Flow.of(FRAMES)
    assert flow.changes_per_second == pytest.approx(2)
    assert flow.longest_pause_seconds == pytest.approx(0.8)
    assert flow.delays_seconds == pytest.approx([0.1] * 4 + [0.3] * 6 + [0] * 5)
    assert flow.figures() == {
        "changes_per_second": 2.0,
        "longest_pause_ms": 800,
        "delay_p95_ms": 300,
    }


def test_a_text_whose_marks_went_is_shorter_for_a_moment() -> None:
    flow = Flow.of([*FRAMES, Frame(2.2, 13, 13), Frame(2.3, 20, 20)])
    assert len(flow.delays_seconds) == 20


def test_a_text_that_does_not_grow_has_no_flow() -> None:
    with pytest.raises(ValueError, match="did not grow"):
        Flow.of(FRAMES[:1])
