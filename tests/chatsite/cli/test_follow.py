"""What the command line says of the line in which a reply waits."""

from __future__ import annotations

from typing import Any

import pytest

from chatsite.cli.follow import duration, waiting_text


def waiting(place: int | None, **more: Any) -> dict[str, Any]:
    return {"state": "queued", "place": place, **more}


def test_the_wait_is_the_one_that_the_site_expects() -> None:
    expected = {"low": 20.4, "high": 130.0}
    said = waiting_text(waiting(6, expected_wait=expected))
    assert said == "5 ahead of you, 20 s to 2 min …"
    expected = {"low": 20.4, "high": None}
    said = waiting_text(waiting(1, expected_wait=expected))
    assert said == "You are next, at least 20 s …"


@pytest.mark.parametrize(
    "told",
    [{}, {"expected_wait": None}, {"expected_wait": {"low": 0.0, "high": 0.0}}],
    ids=["an older site", "nothing measured", "at once"],
)
def test_nothing_is_guessed(told: dict[str, Any]) -> None:
    assert waiting_text(waiting(2, **told)) == "1 ahead of you …"


def test_a_message_for_idle_time_has_no_place() -> None:
    said = waiting_text(waiting(None, when_idle=True))
    assert said == "Waits until the workers are idle …"


def test_a_held_message_waits_for_its_conversation() -> None:
    assert "in its conversation" in waiting_text({"state": "held", "place": None})


@pytest.mark.parametrize(("seconds", "said"), [(4.6, "5 s"), (240, "4 min")])
def test_durations_are_rounded(seconds: float, said: str) -> None:
    assert duration(seconds) == said
