"""The form for the sentence that every page shows."""

from __future__ import annotations

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.models.operation import NOTICE_MAX_CHARACTERS


class NoticeForm(forms.Form):
    """A sentence, and until when it is shown. Without a sentence none is shown."""

    use_required_attribute = False

    text = forms.CharField(
        label=_("Notice"),
        help_text=_("Leave it empty to show none."),
        max_length=NOTICE_MAX_CHARACTERS,
        required=False,
    )
    until = forms.DateTimeField(
        label=_("Until (optional)"),
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def clean(self) -> dict[str, object] | None:
        """Refuse an end that is over."""
        cleaned = super().clean()
        until = self.cleaned_data.get("until")
        if until is not None and until <= timezone.now():
            self.add_error("until", gettext("This time is over."))
        return cleaned
