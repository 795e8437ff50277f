"""The account page: devices, limits and settings, or how a guest signs up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import TypedDict

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.accounts.devices import translated_device_name
from chat.accounts.guests import ensure_guest_cookie
from chat.accounts.login import count_guest_conversations, unmerged_guest_id
from chat.accounts.session_end import sessions_of
from chat.models import Conversation, User
from chat.page.context import PageContext, frame_context
from chat.page.context_limits import LimitsContext, limits_context
from chat.services.session_digest import session_digest
from chat.services.sharing.links import is_on
from chat.views.accounts.decorators import (
    can_invite,
    can_operate,
    current_account,
    redirect_to_log_in,
)

#: What was just done, by the parameter in the address of the page.
NOTES = {
    "password": _("Your password was changed. All other devices were logged out."),
    "email": _("Your address was saved."),
    "no_email": _("Your address was removed."),
    "sent": _("We sent a confirmation link to the new address. Open it to finish."),
    "ended": _("That device was logged out."),
    "elsewhere": _("All other devices were logged out."),
}


@dataclass(frozen=True, slots=True)
class Device:
    """A browser in which the account is logged in, for the template."""

    #: The digest of the session, by which ``end_session`` finds it.
    name: str
    #: Browser and system, such as “Firefox on Linux”; empty if unknown.
    device: str
    created_at: datetime
    seen_at: datetime
    is_here: bool


class AccountContext(TypedDict):
    """What ``accounts/account.html`` shows of an account."""

    account: User
    can_invite: bool
    can_operate: bool
    #: This browser first, then by the time they were seen.
    devices: list[Device]
    #: Conversations of the account, and of the guest of this browser.
    count: int
    left: int


class AccountPageContext(PageContext, LimitsContext):
    """For ``accounts/account.html``, which also gets an ``AccountContext`` if any."""

    notes: list[str | Promise]
    retention_days: int
    idle_days: int
    has_account: bool
    can_share: bool


@never_cache
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show the account, or a guest's limits and the ways to sign up and log in."""
    user = current_account(request)
    if user is None and not settings.GUESTS:
        return redirect_to_log_in(request)
    page: AccountPageContext = {
        **frame_context(request),
        "notes": [note for name, note in NOTES.items() if name in request.GET],
        "retention_days": ceil(settings.RETENTION_DAYS),
        "idle_days": ceil(settings.GUEST_IDLE_DAYS),
        "has_account": user is not None,
        "can_share": is_on(),
        **limits_context(request),
    }
    shown = {**page, **(_account_context(request, user) if user else {})}
    response = render(request, "accounts/account.html", shown)
    ensure_guest_cookie(request, response)
    return response


def _account_context(request: HttpRequest, user: User) -> AccountContext:
    here = request.session.session_key
    devices = [
        Device(
            session_digest(row.pk),
            translated_device_name(row.device),
            row.created_at,
            row.seen_at or row.created_at,
            row.pk == here,
        )
        for row in sessions_of(user)
    ]
    return {
        "account": user,
        "can_invite": can_invite(user),
        "can_operate": can_operate(user),
        "devices": sorted(devices, key=lambda device: not device.is_here),
        "count": Conversation.objects.listed().filter(owner=user).count(),
        "left": count_guest_conversations(unmerged_guest_id(request)),
    }
