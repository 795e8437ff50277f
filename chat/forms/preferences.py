"""The form for how replies are generated, of a user or of a conversation."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.models import Conversation, User
from chat.models.preferences import Preferences
from chat.services.effective_settings import EffectiveSettings, capped_reply_tokens
from chat.services.presets import OfferedPreset
from chat.text_cleanup import as_lines, without_blank_edges
from chatsite.model_choice import current_catalog, offered_entries
from chatsite.sampling_settings import (
    MAX_NEW_TOKENS,
    MODEL_SETTINGS,
    SAMPLING_SETTINGS,
    STOP_STRING_CHARACTERS_OFFERED,
    STOP_STRINGS_OFFERED,
    SamplingSetting,
)

#: Shorter than Django's, and in each language as familiar as our other texts.
NUMBER_ERRORS = {
    "invalid": _("Enter a number."),
    "min_value": _("At least %(limit_value)s."),
    "max_value": _("At most %(limit_value)s."),
}
#: Fields that are saved as settings: those of ``wire.SamplingParams``.
SETTINGS = (*(setting.name for setting in SAMPLING_SETTINGS), "stop")


class LinesField(forms.CharField):
    """A text of several lines; ``strip`` removes blank lines around it."""

    def to_python(self, value: Any) -> str:
        """The text with line feeds as its only line ends."""
        # The base class would also strip the indentation of the first line.
        text = as_lines("" if value is None else str(value))
        return without_blank_edges(text) if self.strip else text


class PreferencesForm(forms.Form):
    """Model, instructions and sampling settings.

    An empty field inherits its value from ``defaults``, which are the placeholders.
    """

    model = forms.CharField(label=_("Model"), required=False)
    instructions = LinesField(
        label=_("Custom instructions"),
        help_text=_("Sent to the model before your first message."),
        required=False,
        max_length=settings.INSTRUCTIONS_MAX_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    stop = LinesField(
        label=_("Stop strings"),
        help_text=_("One per line. The reply stops before any of these."),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, defaults: EffectiveSettings, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: Label of the model that answers if none is picked.
        self.default_model_label = defaults.entry.label
        for setting in SAMPLING_SETTINGS:
            self.fields[setting.name] = _number_field(setting)
        for setting in MODEL_SETTINGS:
            shown = number_format(getattr(defaults.settings, setting.name))
            self.fields[setting.name].widget.attrs["placeholder"] = shown
        inherited = {
            "instructions": defaults.instructions,
            "seed": "" if defaults.seed is None else str(defaults.seed),
            "stop": "\n".join(defaults.settings.stop),
        }
        for name, value in inherited.items():
            self.fields[name].widget.attrs["placeholder"] = value

    @classmethod
    def initial_of(cls, chosen: Preferences | OfferedPreset) -> dict[str, Any]:
        """The initial values of the form for what was saved."""
        stop = "\n".join(chosen.settings.get("stop", ()))
        common = {"model": chosen.model, "instructions": chosen.instructions}
        kept = dict(chosen.settings)
        if "max_new_tokens" in kept:
            kept["max_new_tokens"] = capped_reply_tokens(kept["max_new_tokens"])
        return {**kept, **common, "stop": stop}

    @property
    def number_fields(self) -> list[forms.BoundField]:
        """The bound fields of all numeric sampling settings."""
        return [self[setting.name] for setting in SAMPLING_SETTINGS]

    @property
    def settings_count(self) -> int:
        """How many sampling settings are filled in."""
        return sum(self[name].value() not in (None, "") for name in SETTINGS)

    def clean_model(self) -> str:
        """The name of a model of the catalogue, or an empty string."""
        name: str = self.cleaned_data["model"]
        if name and name not in current_catalog().models:
            names = ", ".join(sorted(entry.name for entry in offered_entries()))
            said = gettext(
                "There is no model %(name)s. Choose one of these: %(names)s."
            )
            raise ValidationError(said % {"name": name[:100], "names": names})
        return name

    def clean_stop(self) -> list[str]:
        """The stop strings, one from each line that is not empty."""
        lines = self.cleaned_data["stop"].split("\n")
        found = [line for line in lines if line]
        if len(found) > STOP_STRINGS_OFFERED or max(map(len, found), default=0) > (
            STOP_STRING_CHARACTERS_OFFERED
        ):
            message = gettext(
                "At most %(count)s stop strings of %(length)s characters."
            )
            raise ValidationError(
                message
                % {
                    "count": STOP_STRINGS_OFFERED,
                    "length": STOP_STRING_CHARACTERS_OFFERED,
                }
            )
        return found

    def chosen_fields(self) -> dict[str, Any]:
        """The fields of ``Preferences`` that a valid form describes."""
        given = self.cleaned_data
        kept = {name: given[name] for name in SETTINGS}
        return {
            "model": given["model"],
            "instructions": given["instructions"],
            "settings": {n: v for n, v in kept.items() if v not in (None, [])},
        }

    def save(self, chosen: User | Conversation) -> None:
        """Save a valid form to a user or a conversation."""
        fields = self.chosen_fields()
        for name, value in fields.items():
            setattr(chosen, name, value)
        chosen.save(update_fields=[*fields])


def _number_field(setting: SamplingSetting[Any]) -> forms.Field:
    low, high = setting.offered
    if setting is MAX_NEW_TOKENS:
        high = capped_reply_tokens(high)
    field = forms.IntegerField if setting.is_whole else forms.FloatField
    return field(
        label=setting.label,
        help_text=setting.help_text,
        required=False,
        min_value=low,
        max_value=high,
        error_messages=NUMBER_ERRORS,
    )
