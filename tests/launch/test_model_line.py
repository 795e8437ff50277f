"""The line at the start that says which model replies, and which others there are."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from chatsite.wire import Announcement, Stage
from launch.__main__ import model_line


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        (
            "scripted",
            "CHAT_MODEL=gpt2 or, if its hub is out of reach, CHAT_MODEL=smollm2",
        ),
        ("gpt2", "CHAT_MODEL=smollm2"),
    ],
)
def test_a_model_that_needs_no_hub_is_among_those_to_choose(
    model: str, hint: str, settings: Settings
) -> None:
    settings.CHAT_MODEL = model
    worker = Announcement("w", model, model, Stage.READY)
    assert model_line(worker).endswith(f"; choose another with {hint}")
