"""Sampling settings of a file: only those that this site could have set."""

from __future__ import annotations

from typing import Any

from chat.services.imports.source_messages import text_of
from chatsite.sampling_settings import SAMPLING_SETTINGS

STOPS_MAX, STOP_CHARACTERS = 16, 200


def sampling_of(value: dict[str, Any]) -> dict[str, Any]:
    """The settings that have a known name and a valid value."""
    found: dict[str, Any] = {
        one.name: value[one.name]
        for one in SAMPLING_SETTINGS
        if one.name in value and not one.problem(value[one.name])
    }
    stops = value.get("stop")
    if isinstance(stops, list):
        texts = [text_of(one)[:STOP_CHARACTERS] for one in stops[:STOPS_MAX]]
        found["stop"] = [text for text in texts if text]
    return found
