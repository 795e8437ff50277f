"""The one form of the page: a prompt, and the key that makes it safe to send twice."""

from __future__ import annotations

import uuid
from hashlib import sha256
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from chat.services.errors import MessageRefused
from chat.services.messages import clean_text


class MessageForm(forms.Form):
    """What the service refuses is shown beside the form, with the text kept."""

    #: No CharField: it would trim, and refuse characters that the service drops.
    text = forms.Field(required=False)
    key = forms.Field(required=False)
    #: Of the prompt that this becomes another version of.
    instead_of = forms.UUIDField(required=False)

    def clean_text(self) -> str:
        try:
            return clean_text(str(self.cleaned_data["text"] or ""))
        except MessageRefused as refused:
            raise ValidationError(refused.message, refused.code) from refused

    @property
    def idempotency_key(self) -> str:
        """The page's key and the text: the same text twice is one message.

        An edited text under the same key (the Back button) is a new one.
        """
        text: str = self.cleaned_data["text"]
        return f"{self.typed_key}:{sha256(text.encode()).hexdigest()[:16]}"

    @property
    def typed_key(self) -> str:
        return str(self._raw("key") or "") or new_key()

    @property
    def typed_text(self) -> str:
        """The text as it was typed, for a form that is shown again."""
        return str(self._raw("text") or "")

    @property
    def typed_instead_of(self) -> str:
        return str(self._raw("instead_of") or "")

    @property
    def error(self) -> str:
        """The first thing that is wrong, in plain words."""
        found = [message for messages in self.errors.values() for message in messages]
        return str(found[0]) if found else ""

    def _raw(self, name: str) -> Any:
        return self.data.get(name) if self.is_bound else self.initial.get(name)


def new_key() -> str:
    return uuid.uuid4().hex
