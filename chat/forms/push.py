"""What a browser says of its push subscription."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from chat.models.push_subscription import (
    AUTH_CHARACTERS,
    ENDPOINT_CHARACTERS,
    P256DH_CHARACTERS,
)
from chat.services.outgoing.addresses import is_allowed_port, push_reach

NOT_USED = _(
    "The site can’t use this push subscription. Switch notifications off and on."
)
#: Printable ASCII without what browsers and libraries take differently.
PLAIN = re.compile(r"[!-~]+")
AMBIGUOUS = re.compile(r"[\\\"<>^`{|}]")


class PushSubscriptionForm(forms.Form):
    """An address of a push service, and the keys of the browser in base64url."""

    endpoint = forms.CharField(max_length=ENDPOINT_CHARACTERS)
    p256dh = forms.RegexField(rf"^[A-Za-z0-9_-]{{{P256DH_CHARACTERS}}}=?$", strip=True)
    auth = forms.RegexField(rf"^[A-Za-z0-9_-]{{{AUTH_CHARACTERS}}}(==)?$", strip=True)

    def clean_endpoint(self) -> str:
        """Return the address. Raises ``ValidationError``.

        Which addresses its name has is checked at each call.
        """
        address: str = self.cleaned_data["endpoint"]
        if not PLAIN.fullmatch(address) or AMBIGUOUS.search(address):
            raise ValidationError(NOT_USED)
        try:
            parts = urlsplit(address)
            port, host = parts.port, parts.hostname
        except ValueError:
            raise ValidationError(NOT_USED) from None
        schemes = ("https", "http") if push_reach().private_networks else ("https",)
        is_whole = host and parts.scheme in schemes and "@" not in parts.netloc
        if not is_whole or parts.fragment or not is_allowed_port(port or 443):
            raise ValidationError(NOT_USED)
        return address

    def clean_p256dh(self) -> str:
        """Return the key without padding."""
        return str(self.cleaned_data["p256dh"]).rstrip("=")

    def clean_auth(self) -> str:
        """Return the secret without padding."""
        return str(self.cleaned_data["auth"]).rstrip("=")
