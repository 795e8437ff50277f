"""How replies are to be made: for a conversation, or as somebody's defaults."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.models import Conversation, User
from chat.services.effective_settings import Preferred, shortened
from chat.services.messages import SEED_BITS
from chat.text_cleanup import as_lines, without_blank_edges
from chatsite.model_choice import current_catalog

STOP_STRINGS_MAX = 4
STOP_CHARACTERS_MAX = 100

#: Fields that are kept as settings of ``wire.SamplingParams``, and the seed.
SETTINGS = (
    "temperature",
    "top_p",
    "top_k",
    "repetition_penalty",
    "max_new_tokens",
    "seed",
    "stop",
)


class LinesField(forms.CharField):
    """A text of several lines; no blank lines around it unless ``strip`` is off."""

    def to_python(self, value: Any) -> str:
        # The base class would take the indentation of the first line, too.
        text = as_lines("" if value is None else str(value))
        return without_blank_edges(text) if self.strip else text


class PreferencesForm(forms.Form):
    """An empty field means: as it is without it. The placeholders say what that is."""

    model = forms.CharField(label=_("Model"), required=False)
    instructions = LinesField(
        label=_("Instructions"),
        help_text=_("Told to the model before your first message."),
        required=False,
        max_length=settings.INSTRUCTIONS_MAX_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    temperature = forms.FloatField(
        label=_("Temperature"),
        help_text=_("0 always takes the likeliest word; higher is bolder."),
        required=False,
        min_value=0,
        max_value=2,
    )
    top_p = forms.FloatField(
        label=_("Top-p"),
        help_text=_("Only the likeliest words that together reach this share."),
        required=False,
        min_value=0.01,
        max_value=1,
    )
    top_k = forms.IntegerField(
        label=_("Top-k"),
        help_text=_("Only so many of the likeliest words; 0 is no limit."),
        required=False,
        min_value=0,
        max_value=1000,
    )
    repetition_penalty = forms.FloatField(
        label=_("Repetition penalty"),
        help_text=_("1 is none; a little more makes repeating less likely."),
        required=False,
        min_value=0.5,
        max_value=2,
    )
    max_new_tokens = forms.IntegerField(
        label=_("Maximum length"),
        help_text=_("In tokens; a word is one or two."),
        required=False,
        min_value=1,
        max_value=settings.REPLY_MAX_TOKENS,
    )
    seed = forms.IntegerField(
        label=_("Seed"),
        help_text=_(
            "The same number gives the same reply; empty draws a new one, and so does"
            " every further reply to the same message."
        ),
        required=False,
        min_value=0,
        max_value=2**SEED_BITS - 1,
    )
    stop = LinesField(
        label=_("Stop strings"),
        help_text=_("One on each line. A reply ends before the first that it meets."),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, defaults: Preferred, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in SETTINGS[:-2]:
            shown = str(getattr(defaults.settings, name))
            self.fields[name].widget.attrs["placeholder"] = shown
        inherited = {
            "instructions": defaults.instructions,
            "seed": "" if defaults.seed is None else str(defaults.seed),
            "stop": "\n".join(defaults.settings.stop),
        }
        for name, value in inherited.items():
            self.fields[name].widget.attrs["placeholder"] = value

    @classmethod
    def initial_of(cls, chosen: User | Conversation) -> dict[str, Any]:
        stop = "\n".join(chosen.settings.get("stop", ()))
        common = {"model": chosen.model, "instructions": chosen.instructions}
        kept = dict(chosen.settings)
        if "max_new_tokens" in kept:
            kept["max_new_tokens"] = shortened(kept["max_new_tokens"])
        return {**kept, **common, "stop": stop}

    @property
    def has_settings(self) -> bool:
        """Whether anything but the model and the instructions is filled in."""
        return any(self[name].value() not in (None, "") for name in SETTINGS)

    def clean_model(self) -> str:
        name: str = self.cleaned_data["model"]
        if name and name not in current_catalog().models:
            raise ValidationError(gettext("This model is not offered any more."))
        return name

    def clean_stop(self) -> list[str]:
        lines = self.cleaned_data["stop"].split("\n")
        found = [line for line in lines if line]
        if len(found) > STOP_STRINGS_MAX or max(map(len, found), default=0) > (
            STOP_CHARACTERS_MAX
        ):
            said = gettext("At most %(count)s stop strings of %(length)s characters.")
            raise ValidationError(
                said % {"count": STOP_STRINGS_MAX, "length": STOP_CHARACTERS_MAX}
            )
        return found

    def save(self, chosen: User | Conversation) -> None:
        """Keep what was chosen, and nothing else. Call when valid."""
        given = self.cleaned_data
        chosen.model = given["model"]
        chosen.instructions = given["instructions"]
        kept = {name: given[name] for name in SETTINGS}
        chosen.settings = {n: v for n, v in kept.items() if v not in (None, [])}
        chosen.save(update_fields=["model", "instructions", "settings"])
