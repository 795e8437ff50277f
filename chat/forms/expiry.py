"""The part of a form that says when what it makes expires."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext

LONGEST = timedelta(days=3650)
#: Choices of ``expiry``, beside numbers of days.
NEVER, DATE = "never", "date"


class ExpiringForm(forms.Form):
    """A form with the fields ``expiry`` and ``date``."""

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

    @property
    def expires_at(self) -> datetime | None:
        """When it expires by a valid form; None for never."""
        expiry = self.cleaned_data["expiry"]
        if expiry == NEVER:
            return None
        if expiry != DATE:
            return timezone.now() + timedelta(days=int(expiry))
        after = self.cleaned_data["date"] + timedelta(days=1)
        return timezone.make_aware(datetime.combine(after, time.min))
