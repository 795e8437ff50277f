"""The form of the composer: a message and its idempotency key."""

from __future__ import annotations

import uuid
from hashlib import sha256
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from chat.services.errors import MessageRefused
from chat.services.message_text import clean_text


class MessageForm(forms.Form):
    """A message to send. What the service refuses becomes an error of the form."""

    #: No CharField: it strips text, and refuses characters that the service drops.
    text = forms.Field(required=False)
    key = forms.Field(required=False)
    #: Id of the message that this is another version of.
    instead_of = forms.UUIDField(required=False)
    #: Set where the form replaces the message that it edits.
    in_place = forms.Field(required=False)
    #: Set where a temporary chat begins.
    temporary = forms.Field(required=False)
    #: Set where all other replies may go first.
    when_idle = forms.Field(required=False)
    #: Of the preset with which a conversation begins.
    preset = forms.Field(required=False)
    #: Of the held message when its editor began; see ``held_messages.version_of``.
    version = forms.Field(required=False)

    def clean_text(self) -> str:
        """The text as it is saved."""
        try:
            return clean_text(str(self.cleaned_data["text"] or ""))
        except MessageRefused as refused:
            raise ValidationError(refused.message, refused.code) from refused

    @property
    def idempotency_key(self) -> str:
        """The key of the page with a digest of the text.

        The same text sent twice is one message. An edited text under the same key,
        after the Back button, is another, and so is one with another preset.
        """
        text: str = self.cleaned_data["text"]
        if self.typed_preset:
            text = f"{text}\n{self.typed_preset}"
        digest = sha256(text.encode("utf-8", "replace")).hexdigest()
        return f"{self.typed_key}:{digest[:16]}"

    @property
    def typed_key(self) -> str:
        """The key of the page, or a new one."""
        return str(self._raw("key") or "") or new_key()

    @property
    def typed_text(self) -> str:
        """The text as it was typed."""
        return str(self._raw("text") or "")

    @property
    def typed_instead_of(self) -> str:
        """Id of the message that this replaces, as it was sent; empty without one."""
        return str(self._raw("instead_of") or "")

    @property
    def typed_version(self) -> str:
        """The version of the text that was edited; empty without one."""
        return str(self._raw("version") or "")

    @property
    def is_in_place(self) -> bool:
        """Whether it is an editor within the messages, not the composer."""
        return bool(self._raw("in_place"))

    @property
    def is_temporary(self) -> bool:
        """Whether a conversation that begins with it is erased soon."""
        return bool(self._raw("temporary"))

    @property
    def is_for_idle_time(self) -> bool:
        """Whether the reply is to wait until workers are idle."""
        return bool(self._raw("when_idle"))

    @property
    def typed_preset(self) -> str:
        """The key of the preset that was picked; empty without one."""
        return str(self._raw("preset") or "")

    @property
    def error(self) -> str:
        """The first error of the form; empty without one."""
        found = [message for messages in self.errors.values() for message in messages]
        return str(found[0]) if found else ""

    def _raw(self, name: str) -> Any:
        return self.data.get(name) if self.is_bound else self.initial.get(name)


def new_key() -> str:
    """A random key for a form."""
    return uuid.uuid4().hex
