"""The form that sends the file of a batch."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit = settings.BATCH_FILE_MAX_BYTES
        said = gettext("The file is too large. It may have %(limit)s: split it.")
        # The script checks it: a browser may show no answer to a form whose end the
        # server does not read.
        self.fields["file"].widget.attrs |= {
            "data-max-bytes": str(limit),
            "data-too-large": said % {"limit": filesizeformat(limit)},
        }
