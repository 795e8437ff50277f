"""The form that sends a file with conversations."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class ImportForm(forms.Form):
    """An export of this or another program.

    Its ``id`` comes with the form, so that a form that is sent twice makes one import.
    """

    id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4, required=False)
    file = forms.FileField(
        label=_("File"),
        help_text=_("The zip archive as you got it, or the JSON file in it."),
        error_messages={
            "required": _("Choose a file."),
            "empty": _("The file is empty. Choose an export with conversations."),
        },
        widget=forms.FileInput(attrs={"accept": ".zip,.json,.jsonl,application/json"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit = settings.IMPORT_FILE_MAX_BYTES
        said = gettext("The file is too large to import. It may have %(limit)s.")
        # The script checks it: a browser may show no answer to a form whose end the
        # server does not read.
        self.fields["file"].widget.attrs |= {
            "data-max-bytes": str(limit),
            "data-too-large": said % {"limit": filesizeformat(limit)},
        }
