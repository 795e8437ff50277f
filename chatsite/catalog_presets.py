"""Presets of the catalogue: what the site's operator offers to begin with."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chatsite.catalog_table import CatalogTable
from chatsite.sampling_settings import (
    SAMPLING_SETTINGS,
    STOP_STRING_CHARACTERS_OFFERED,
    STOP_STRINGS_OFFERED,
)

#: Of a label and of a description, as for presets of people.
LABEL_CHARACTERS = 60
DESCRIPTION_CHARACTERS = 200
NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class CatalogPreset:
    """A model, instructions and settings that everyone can pick by one name."""

    name: str
    label: str
    description: str = ""
    #: Empty follows what the person or the site has chosen, as do the next two.
    model: str = ""
    instructions: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)


def read_presets(
    table: CatalogTable | None, models: Collection[str]
) -> dict[str, CatalogPreset]:
    """Read all presets, by their names. Raises ``CatalogError``."""
    if table is None:
        return {}
    found: dict[str, CatalogPreset] = {}
    for name in table.values:
        preset = table.table(name)
        if preset is None or not NAME.fullmatch(name):
            raise table.error(name, "a name has lower case letters, digits, - and _")
        read = _preset(name, preset, models)
        labels = {other.label.casefold() for other in found.values()}
        if read.label.casefold() in labels:
            raise preset.error("label", "is that of another preset")
        found[name] = read
    return found


def _preset(name: str, table: CatalogTable, models: Collection[str]) -> CatalogPreset:
    table.only("label", "description", "model", "instructions", "settings")
    model = table.text("model", "")
    if model and model not in models:
        raise table.error("model", f"there is no model {model!r}")
    return CatalogPreset(
        name=name,
        label=_line(table, "label", LABEL_CHARACTERS, name),
        description=_line(table, "description", DESCRIPTION_CHARACTERS),
        model=model,
        instructions=table.text("instructions", "").strip(),
        settings=_settings(table.table("settings")),
    )


def _line(table: CatalogTable, name: str, longest: int, default: str = "") -> str:
    text = " ".join(table.text(name, default).split())
    if len(text) > longest:
        raise table.error(name, f"must have at most {longest} characters")
    return text


def _settings(table: CatalogTable | None) -> dict[str, Any]:
    """Read sampling settings, in the ranges that pages offer to people."""
    if table is None:
        return {}
    table.only(*(setting.name for setting in SAMPLING_SETTINGS), "stop")
    for setting in SAMPLING_SETTINGS:
        low, high = setting.offered
        offered = replace(setting, minimum=low, maximum=high)
        if setting.name in table.values and (
            problem := offered.problem(table.values[setting.name])
        ):
            raise table.error(setting.name, problem)
    stop = table.texts("stop")
    longest = max(map(len, stop), default=0)
    is_too_much = len(stop) > STOP_STRINGS_OFFERED
    if is_too_much or longest > STOP_STRING_CHARACTERS_OFFERED:
        raise table.error(
            "stop",
            f"must be at most {STOP_STRINGS_OFFERED} texts of"
            f" {STOP_STRING_CHARACTERS_OFFERED} characters",
        )
    if any("\n" in text for text in stop):
        raise table.error("stop", "must be texts of one line")
    return dict(table.values)
