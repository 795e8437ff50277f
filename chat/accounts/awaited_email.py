"""Remembers in a session which address waits for its confirmation.

Only the link in the mail has the whole address, signed. The session has what a page
shows of it, until the link is void.
"""

from __future__ import annotations

import time

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from chat.accounts.email_change import LINK_SECONDS, state_digest
from chat.models import User

KEY = "awaited_email"


def remember_awaited_email(request: HttpRequest, user: User, email: str) -> None:
    """Remember that a link was sent to an address."""
    name, _, domain = email.rpartition("@")
    request.session[KEY] = {
        "shown": f"{name[:1]}…@{domain}",
        "state": state_digest(user),
        "until": time.time() + LINK_SECONDS,
    }


def awaited_email(request: HttpRequest, user: User) -> str:
    """What is shown of the address whose link was not followed yet; empty if none."""
    kept = request.session.get(KEY)
    if kept is None or kept["until"] < time.time():
        return ""
    is_valid = constant_time_compare(kept["state"], state_digest(user))
    return str(kept["shown"]) if is_valid else ""
