"""The form that makes a webhook, and the addresses that it takes."""

from __future__ import annotations

import re
import uuid
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.models import ApiKey, User
from chat.models.conversation import without_directions
from chat.models.webhook_endpoint import CHOSEN_EVENTS, URL_CHARACTERS
from chat.services.outgoing.addresses import is_allowed, is_allowed_port
from chat.text_cleanup import as_line
from chat.wording.webhooks import EVENTS

if TYPE_CHECKING:
    ModelChoice = forms.ModelChoiceField[ApiKey]
else:
    ModelChoice = forms.ModelChoiceField

DESCRIPTION_CHARACTERS = 60
#: Printable ASCII without what browsers and libraries read in different ways.
PLAIN = re.compile(r"[!-~]+")
AMBIGUOUS = re.compile(r'[\\<>"^`{|}]')


class KeyChoice(ModelChoice):
    """All replies, or those that one key asked for."""

    def label_from_instance(self, obj: ApiKey) -> str:
        """Name the key."""
        return gettext("Asked for with the key %(name)s") % {"name": obj.name}


class WebhookForm(forms.Form):
    """Which address is called, and when.

    Its ``id`` comes with the form, so a form that is sent twice makes one webhook.
    """

    id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    url = forms.CharField(
        label=_("Address"),
        help_text=_("Such as https://example.org/chat-hook"),
        max_length=URL_CHARACTERS,
        widget=forms.URLInput(
            attrs={"autocomplete": "off", "placeholder": "https://", "dir": "ltr"}
        ),
    )
    description = forms.CharField(
        label=_("Description"),
        help_text=_("Only you see it. May be empty."),
        max_length=DESCRIPTION_CHARACTERS,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    events = forms.MultipleChoiceField(
        label=_("Call it when"),
        choices=[(event.value, EVENTS[event]) for event in CHOSEN_EVENTS],
        initial=[event.value for event in CHOSEN_EVENTS],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one event.")},
    )

    def __init__(self, owner: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The key that was chosen before stays a choice when it is revoked.
        is_offered = Q(revoked_at=None) | Q(pk=self.initial.get("api_key"))
        self.fields["api_key"] = KeyChoice(
            label=_("Of which replies"),
            queryset=ApiKey.objects.filter(is_offered, owner=owner),
            required=False,
            empty_label=_("All of your account"),
        )

    def clean_url(self) -> str:
        """Return the address. Raises ``ValidationError``."""
        return clean_url(self.cleaned_data["url"])

    def clean_events(self) -> list[str]:
        """Return each event once."""
        return list(dict.fromkeys(self.cleaned_data["events"]))

    def clean_description(self) -> str:
        """Return the description as one line."""
        return as_line(without_directions(self.cleaned_data["description"]))


def clean_url(url: str) -> str:
    """Return an address that a webhook may have. Raises ``ValidationError``.

    The addresses of a name are checked at each call, those of a number also here.
    """
    if not PLAIN.fullmatch(url) or AMBIGUOUS.search(url):
        raise ValidationError(
            gettext(
                "Write the address in plain letters, with percent codes or xn-- for "
                "others."
            )
        )
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise ValidationError(gettext("This is not an address.")) from None
    if not host or parts.scheme not in ("http", "https"):
        raise ValidationError(gettext("Enter an address that begins with https://."))
    if "@" in parts.netloc or parts.fragment:
        raise ValidationError(
            gettext("Leave out names, passwords and what follows a #.")
        )
    if port is not None and not is_allowed_port(port):
        raise ValidationError(gettext("This site does not call this port."))
    _check_reach(parts, host)
    return parts.geturl()


def _check_reach(parts: SplitResult, host: str) -> None:
    may_be_plain = settings.WEBHOOK_HTTP or settings.WEBHOOK_PRIVATE_NETWORKS
    if parts.scheme == "http" and not may_be_plain:
        raise ValidationError(gettext("This site calls addresses only by HTTPS."))
    try:
        address = ip_address(host)
    except ValueError:
        return  # a name
    if not is_allowed(address):
        raise ValidationError(
            gettext("This is no public address, and this site calls no others.")
        )
