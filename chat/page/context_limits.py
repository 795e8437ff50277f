"""Template contexts about limits: all of them, and the one that is nearly used up."""

from __future__ import annotations

from typing import TypedDict

from django.http import HttpRequest

from chat.accounts.client_network import network_digest
from chat.http.request import visitor
from chat.models import User
from chat.services.limits.remaining import (
    RemainingLimit,
    remaining_limits,
    scarce_limit,
)


class LimitsContext(TypedDict):
    """For ``limits/_limits.html``."""

    limits: list[RemainingLimit]
    #: Those of which less than half remains.
    low_limits: list[RemainingLimit]


class ScarceLimitContext(TypedDict):
    """For ``limits/_scarce_limit.html``, in the answer to a poll or an action."""

    scarce_limit: RemainingLimit | None
    #: Whether the page is to show it, or to remove the one that it shows.
    has_scarce_limit_changed: bool


def limited_user(request: HttpRequest) -> User:
    """The user whose limits apply to a request.

    For an anonymous visitor an unsaved guest with the network of the request.
    """
    user = visitor(request)
    if not isinstance(user, User):
        user = User()
    if user.is_guest:
        user.network = network_digest(request)
    return user


def limits_context(request: HttpRequest) -> LimitsContext:
    """All limits of the visitor."""
    limits = remaining_limits(limited_user(request))
    return {"limits": limits, "low_limits": [one for one in limits if one.is_low]}


def scarce_limit_context(request: HttpRequest) -> ScarceLimitContext:
    """The scarce limit of a visitor whose message was refused."""
    return {
        "scarce_limit": scarce_limit(limited_user(request)),
        "has_scarce_limit_changed": True,
    }
