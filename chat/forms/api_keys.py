"""The form that makes an API key."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.forms.expiry import DATE, NEVER, ExpiringForm
from chat.models.conversation import without_directions
from chat.services.limits.rules import OF_KEYS
from chat.text_cleanup import as_line
from chatsite.setting_types.numbers import LIMIT_MAX

NAME_CHARACTERS = 60
SCOPES = ("can_chat", "can_read_history", "can_batch")
HOW = ("keeps_conversations", "is_helper")
EXPIRY = {
    NEVER: _("Never"),
    "30": _("In 30 days"),
    "90": _("In 90 days"),
    DATE: _("On a date"),
}


def _limit(label: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, required=False, min_value=1, max_value=LIMIT_MAX
    )


class KeyForm(ExpiringForm):
    """What a key is called, what it may do, and how long.

    Its ``id`` comes with the form, so that a form that is sent twice makes one key.
    """

    id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    name = forms.CharField(
        label=_("Name"),
        help_text=_("Such as the program that uses the key."),
        max_length=NAME_CHARACTERS,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    can_chat = forms.BooleanField(
        label=_("Send messages"),
        help_text=_("And read the replies to them."),
        required=False,
        initial=True,
    )
    can_read_history = forms.BooleanField(
        label=_("Read conversations"),
        help_text=_("All of your account’s, and search them."),
        required=False,
    )
    can_batch = forms.BooleanField(
        label=_("Run batches"),
        help_text=_("Many messages from one file."),
        required=False,
    )
    keeps_conversations = forms.BooleanField(
        label=_("Keep its conversations"),
        help_text=_("They appear in your list. Otherwise they are soon deleted."),
        required=False,
        initial=True,
    )
    is_helper = forms.BooleanField(
        label=_("Let people go first"),
        help_text=_("Its messages wait until no message of a person does."),
        required=False,
    )
    expiry = forms.ChoiceField(
        label=_("Expires"), choices=list(EXPIRY.items()), initial=NEVER
    )
    date = forms.DateField(
        label=_("Date"),
        help_text=_("The last day on which the key works."),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    prompts_per_minute = _limit(_("Messages a minute"))
    prompts_per_day = _limit(_("Messages a day"))
    tokens_per_day = _limit(_("Tokens a day"))

    @property
    def scope_fields(self) -> list[forms.BoundField]:
        """The fields that say what the key may do."""
        return [self[name] for name in SCOPES]

    @property
    def how_fields(self) -> list[forms.BoundField]:
        """The fields that say what becomes of its messages."""
        return [self[name] for name in HOW]

    @property
    def limit_fields(self) -> list[forms.BoundField]:
        """The fields of its own limits."""
        return [self[kind] for kind in OF_KEYS]

    def clean_name(self) -> str:
        """Return the name as one line. Raises ``ValidationError``."""
        name = as_line(without_directions(self.cleaned_data["name"]))
        if not name:
            raise ValidationError(gettext("Give the key a name."))
        return name

    def clean(self) -> dict[str, Any]:
        """Check that the key may do something, and that its date is to come."""
        given = super().clean() or self.cleaned_data
        if not any(given.get(scope) for scope in SCOPES):
            message = gettext("Choose at least one thing that the key may do.")
            self.add_error(None, message)
        return given

    def key_fields(self) -> dict[str, Any]:
        """The fields of the key that a valid form describes."""
        given = self.cleaned_data
        named = {name: given[name] for name in ("id", *SCOPES, *HOW)}
        limits = {str(kind): given[kind] for kind in OF_KEYS if given[kind]}
        return {**named, "limits": limits, "expires_at": self.expires_at}
