"""The form of a person's own preset."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from chat.forms.preferences import PreferencesForm
from chat.models import Preset
from chat.services.errors import MessageRefused
from chat.services.preset_changes import clean_description, clean_name
from chatsite.catalog_presets import DESCRIPTION_CHARACTERS, LABEL_CHARACTERS


class PresetForm(PreferencesForm):
    """Name, description, and what a conversation may choose.

    Its ``id`` comes with the form, so that a form that is sent twice makes one preset.
    """

    id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4, required=False)
    #: No CharFields: they refuse characters that the service drops.
    name = forms.Field(
        label=_("Name"),
        required=False,
        widget=forms.TextInput(attrs={"maxlength": LABEL_CHARACTERS, "dir": "auto"}),
    )
    description = forms.Field(
        label=_("Description"),
        help_text=_("What it is good for, if the name does not say it."),
        required=False,
        widget=forms.TextInput(
            attrs={"maxlength": DESCRIPTION_CHARACTERS, "dir": "auto"}
        ),
    )

    @classmethod
    def initial_of_preset(cls, preset: Preset) -> dict[str, Any]:
        """The initial values of the form for a preset."""
        named = {"name": preset.name, "description": preset.description}
        return {**cls.initial_of(preset), **named}

    def clean_name(self) -> str:
        """The name as it is stored."""
        try:
            return clean_name(str(self.cleaned_data["name"] or ""))
        except MessageRefused as refused:
            raise ValidationError(refused.message, refused.code) from refused

    def clean_description(self) -> str:
        """The description as it is stored."""
        try:
            return clean_description(str(self.cleaned_data["description"] or ""))
        except MessageRefused as refused:
            raise ValidationError(refused.message, refused.code) from refused

    def preset_fields(self) -> dict[str, Any]:
        """The fields of the preset that a valid form describes."""
        given = self.cleaned_data
        named = {"name": given["name"], "description": given["description"]}
        return {**named, **self.chosen_fields()}
