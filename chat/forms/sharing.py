"""The form that makes a shared link."""

from __future__ import annotations

import uuid
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

LONGEST = timedelta(days=3650)
NEVER, DATE = "never", "date"
#: How long a link opens, in days.
EXPIRY = {
    NEVER: _("Never"),
    "1": _("In a day"),
    "7": _("In a week"),
    "30": _("In 30 days"),
    DATE: _("On a date"),
}


class ShareForm(forms.Form):
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

    def clean(self) -> dict[str, Any]:
        """Check that the date is to come."""
        given = super().clean() or self.cleaned_data
        if given.get("expiry") == DATE and "date" not in self.errors:
            day = given.get("date")
            if day is None:
                self.add_error("date", gettext("Choose a date."))
            elif not timedelta(0) <= day - timezone.localdate() <= LONGEST:
                self.add_error("date", gettext("Choose a day of the next ten years."))
        return given

    def link_fields(self) -> dict[str, Any]:
        """The fields of the link that a valid form describes."""
        given = self.cleaned_data
        return {"expires_at": self._expires_at(), "has_details": given["has_details"]}

    def _expires_at(self) -> datetime | None:
        expiry = self.cleaned_data["expiry"]
        if expiry == NEVER:
            return None
        if expiry != DATE:
            return timezone.now() + timedelta(days=int(expiry))
        after = self.cleaned_data["date"] + timedelta(days=1)
        return timezone.make_aware(datetime.combine(after, time.min))
