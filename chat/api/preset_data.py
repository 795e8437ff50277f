"""What calls for presets take and return, as the document describes it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from pydantic import BaseModel, Field

from chat.api.bodies import Body
from chat.api.serializers import absolute_url
from chat.api.settings import chosen_settings
from chat.api.settings_data import ChosenSettings
from chat.services.presets import OfferedPreset
from chatsite.catalog_presets import DESCRIPTION_CHARACTERS, LABEL_CHARACTERS

NAME_RULE = f"At most {LABEL_CHARACTERS} characters; no other preset of yours has it."
DESCRIPTION_RULE = f"What it is good for; at most {DESCRIPTION_CHARACTERS} characters."


class PresetBody(Body):
    """A preset to make."""

    name: str = Field(description=NAME_RULE)
    description: str = Field(default="", description=DESCRIPTION_RULE)
    settings: ChosenSettings = ChosenSettings()


class PresetChanges(Body):
    """Changes of a preset; a member that is missing or null keeps its value."""

    name: str | None = Field(default=None, description=NAME_RULE)
    description: str | None = Field(default=None, description=DESCRIPTION_RULE)
    settings: ChosenSettings | None = None


class PickedPreset(Body):
    """A preset to apply."""

    preset: str = Field(description="Its id or its name.")


class PresetData(BaseModel):
    """A preset of the caller, or of the site."""

    id: str = Field(description="What names it in other calls.")
    url: str | None = Field(description="Null for one of the site.")
    name: str
    description: str
    is_of_site: bool = Field(description="Offered by the operator: read-only.")
    is_model_offered: bool = Field(
        description="Whether its model is still there; else the site's own answers."
    )
    settings: ChosenSettings


class PresetList(BaseModel):
    """Presets of the caller by their names, then those of the site."""

    presets: list[PresetData]


class DeletedPresetData(BaseModel):
    """A preset that was deleted."""

    id: str
    deleted: bool


def serialize_preset(request: HttpRequest, preset: OfferedPreset) -> PresetData:
    """Return a preset."""
    pk = None if preset.is_of_site else UUID(preset.key)
    return PresetData(
        id=preset.key,
        url=absolute_url(request, "preset", pk) if pk else None,
        name=preset.name,
        description=preset.description,
        is_of_site=preset.is_of_site,
        is_model_offered=not preset.is_model_gone,
        settings=chosen_settings(preset),
    )
