"""Context processor: what every page with the list of conversations says of people."""

from __future__ import annotations

from django.http import HttpRequest

from chat.accounts.signing_up import can_sign_up


def accounts(_request: HttpRequest) -> dict[str, bool]:
    return {"can_sign_up": can_sign_up()}
