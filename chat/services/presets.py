"""Presets to pick, of a person and of the site, and how one is applied.

What is picked is copied: a preset that is changed later changes no conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from chat.models import Conversation, Preset
from chat.models.user import fold
from chat.services.errors import MessageRefused
from chat.services.notify import notify_pages
from chatsite.model_choice import current_catalog


@dataclass(frozen=True, slots=True)
class OfferedPreset:
    """A preset that a person can pick: one of their own, or one of the site's."""

    #: What forms and calls name it by: the id of an own one, else its catalogue name.
    key: str
    name: str
    description: str
    model: str
    instructions: str
    settings: Mapping[str, Any]
    #: Whether it is the site's, which its people cannot change.
    is_of_site: bool = False

    @property
    def is_model_gone(self) -> bool:
        """Whether its model is no longer offered, so that the site's own answers."""
        return bool(self.model) and self.model not in current_catalog().models

    @property
    def model_label(self) -> str:
        """What its model is called; the name of one that is gone."""
        entry = current_catalog().models.get(self.model)
        return entry.label if entry else self.model

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of a conversation that begins with it."""
        chosen = {"model": self.model, "instructions": self.instructions}
        return {**chosen, "settings": dict(self.settings)}


def offered_presets(owner: UUID | None) -> list[OfferedPreset]:
    """All that a person can pick: their own by name, then the site's.

    One of the site's gives way to an own one of the same name, also of the name that
    it has in the catalogue. So no key is the name of another preset.
    """
    own = [] if owner is None else list(Preset.objects.filter(owner=owner))
    own.sort(key=lambda preset: fold(preset.name))
    taken = {fold(preset.name) for preset in own}
    of_site = [
        OfferedPreset(
            key=preset.name,
            name=preset.label,
            description=preset.description,
            model=preset.model,
            instructions=preset.instructions,
            settings=preset.settings,
            is_of_site=True,
        )
        for preset in current_catalog().presets.values()
        if not {preset.name, fold(preset.label)} & taken
    ]
    return [*map(as_offered, own), *of_site]


def as_offered(preset: Preset) -> OfferedPreset:
    """A person's own preset as it is picked."""
    return OfferedPreset(
        key=str(preset.pk),
        name=preset.name,
        description=preset.description,
        model=preset.model,
        instructions=preset.instructions,
        settings=preset.settings,
    )


def find_preset(owner: UUID | None, picked: str) -> OfferedPreset:
    """The preset with this key, or else with this name.

    Raises ``MessageRefused`` with the code no_preset.
    """
    offered = offered_presets(owner)
    wanted = fold(picked)
    for names in (lambda preset: preset.key, lambda preset: fold(preset.name)):
        for preset in offered:
            if names(preset) == wanted:
                return preset
    raise preset_gone()


def preset_gone() -> MessageRefused:
    """The refusal of a preset that was deleted, or that never was there."""
    said = _("This preset is no longer there. Pick another one, or none.")
    return MessageRefused("no_preset", said)


def apply_preset(conversation: Conversation, preset: OfferedPreset) -> None:
    """Replace the settings of a conversation; they apply from the next reply."""
    Conversation.objects.filter(pk=conversation.pk).update(**preset.fields)
    for name, value in preset.fields.items():
        setattr(conversation, name, value)
    transaction.on_commit(lambda: notify_pages(conversation.owner_id))
