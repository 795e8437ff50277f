"""The form that sends the file of a batch."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class BatchForm(forms.Form):
    """A file of calls."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("Each line is a JSON object with custom_id, method, url and body."),
        error_messages={
            "required": _("Choose a file."),
            "empty": _(
                "The file is empty. Choose one with a JSON object in each line."
            ),
        },
        widget=forms.FileInput(attrs={"accept": ".jsonl,.json,.txt,application/jsonl"}),
    )
