"""Presets of the catalogue: what an operator can offer, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chatsite import checks
from chatsite.catalog import Catalog, CatalogError, CatalogPreset
from tests.chatsite.test_catalog import GOOD

PRESETS = """
[presets.critic]
label = "Kind  critic"
description = "Finds what is weak."
model = "tiny"
instructions = '''
Say what is weak.
'''

[presets.critic.settings]
temperature = 0.2
seed = 7
stop = ["END"]

[presets.plain]
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "catalog.toml"
    path.write_text(GOOD + text)
    return path


def test_a_preset_has_what_a_conversation_may_choose(tmp_path: Path) -> None:
    presets = Catalog.load(write(tmp_path, PRESETS)).presets
    assert presets == {
        "critic": CatalogPreset(
            name="critic",
            label="Kind critic",
            description="Finds what is weak.",
            model="tiny",
            instructions="Say what is weak.",
            settings={"temperature": 0.2, "seed": 7, "stop": ["END"]},
        ),
        "plain": CatalogPreset(name="plain", label="plain"),
    }
    assert Catalog.load(write(tmp_path, "")).presets == {}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('model = "tiny"', 'model = "big"', "critic: model: there is no model 'big'"),
        ("description", "about", "critic: about: is unknown"),
        ("0.2", "3", "critic: settings: temperature: must be a number from 0 to 2"),
        ("0.2", '"warm"', "settings: temperature: must be a number"),
        ("temperature", "heat", "settings: heat: is unknown"),
        ('["END"]', '"END"', "settings: stop: must be a list"),
        ('["END"]', "['1', '2', '3', '4', '5']", "settings: stop: must be at most 4"),
        ('["END"]', '["a\\nb"]', "settings: stop: must be texts of one line"),
        ("Kind  critic", "Plain", "plain: label: is that of another preset"),
        ("Kind  critic", "x" * 61, "critic: label: must have at most 60 characters"),
        ("presets.plain", "presets.Plain", "presets: Plain: a name has lower case"),
    ],
)
def test_a_mistake_names_the_preset_and_the_field(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    with pytest.raises(CatalogError) as caught:
        Catalog.load(write(tmp_path, PRESETS.replace(old, new)))
    assert problem in str(caught.value)


def test_instructions_that_people_could_not_write_stop_the_start(
    tmp_path: Path, settings: Any
) -> None:
    settings.CHAT_CATALOG = write(tmp_path, PRESETS)
    assert checks.check_presets() == []
    settings.INSTRUCTIONS_MAX_CHARACTERS = 5
    [error] = checks.check_presets()
    assert (error.id, "preset critic" in error.msg) == ("chatsite.E003", True)
