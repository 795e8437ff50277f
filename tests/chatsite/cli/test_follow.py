"""What the command line says of the line in which a reply waits."""

from __future__ import annotations

import pytest

from chatsite.cli.follow import Line, duration


def waiting(place: int | None, state: str = "queued") -> dict[str, object]:
    return {"state": state, "place": place}


def test_the_wait_follows_from_the_pace_of_the_line() -> None:
    line = Line()
    assert line.describe(waiting(6), 100) == "5 ahead of you …"
    assert line.describe(waiting(6), 110) == "5 ahead of you …"
    # Two places in twenty seconds: four more take forty.
    assert line.describe(waiting(4), 120) == "3 ahead of you, about 40 s …"
    assert line.describe(waiting(4), 125) == "3 ahead of you, about 40 s …"
    assert line.describe(waiting(1), 150) == "You are next, about 10 s …"


def test_nothing_is_said_of_a_line_that_grew() -> None:
    line = Line()
    line.describe(waiting(2), 0)
    assert line.describe(waiting(5), 10) == "4 ahead of you …"


def test_a_held_message_waits_for_its_conversation() -> None:
    assert "in its conversation" in Line().describe(waiting(None, "held"), 0)


@pytest.mark.parametrize(("seconds", "said"), [(4.6, "5 s"), (240, "4 min")])
def test_durations_are_rounded(seconds: float, said: str) -> None:
    assert duration(seconds) == said
