"""What pages say about limits: all in the settings, little beside the message box."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from chat.accounts.client_network import network_digest
from chat.http.request import visitor
from chat.models import User
from chat.services.limits.remaining import remaining_limits, scarce_limit


def limited_user(request: HttpRequest) -> User:
    """Whose limits hold for whoever asks: a visitor has those of a guest who was never
    seen, and of their network. Nothing is saved."""
    user = visitor(request)
    if not isinstance(user, User):
        user = User()
    if user.is_guest:
        user.network = network_digest(request)
    return user


def limits_context(request: HttpRequest) -> dict[str, Any]:
    """For ``_allowances.html``, on any page."""
    return {"allowances": remaining_limits(limited_user(request))}


def scarce_limit_context(request: HttpRequest) -> dict[str, Any]:
    """For the answer to something refused."""
    return {"little": scarce_limit(limited_user(request)), "has_little_changed": True}
