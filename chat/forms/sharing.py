"""The form that makes a shared link."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from chat.forms.expiry import DATE, NEVER, ExpiringForm

#: How long a link opens, in days.
EXPIRY = {
    NEVER: _("Never"),
    "1": _("In a day"),
    "7": _("In a week"),
    "30": _("In 30 days"),
    DATE: _("On a date"),
}


class ShareForm(ExpiringForm):
    """How long a copy can be read, and whether it says how replies were made.

    Its ``id`` comes with the form, so that a form that is sent twice makes one link.
    """

    id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    expiry = forms.ChoiceField(
        label=_("Expires"), choices=list(EXPIRY.items()), initial=NEVER
    )
    date = forms.DateField(
        label=_("Date"),
        help_text=_("The last day on which the link works."),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    has_details = forms.BooleanField(
        label=_("Show settings and instructions"),
        help_text=_("With what each reply was made, and how long it took."),
        required=False,
    )

    def link_fields(self) -> dict[str, Any]:
        """The fields of the link that a valid form describes."""
        given = self.cleaned_data
        return {"expires_at": self.expires_at, "has_details": given["has_details"]}
