"""Arrivals: how many guests and accounts one network may begin in an hour.

A guest is made by a first prompt, so somebody who throws cookies away makes one with
each; and an account counts only for itself. Both are bounded here, far above what a
school behind one address needs. So is the mail that a network may have sent to
addresses it only typed.
"""

from __future__ import annotations

import math

from django.db import transaction
from django.utils.translation import gettext as _

from chat.services.advisory_lock import alone
from chat.services.errors import PromptRefused
from chat.services.limits.rules import Kind, Whose, limit_of
from chat.services.limits.usage import balances, network_purse, take
from chat.wording.replies import duration


def admit_guest(network: str) -> None:
    """Before a guest is made. Raises ``PromptRefused``."""
    said = _(
        "Too many new guests came from your network in the last hour. Nothing you typed"
        " is lost: try again in %(duration)s."
    )
    _admit(network, Kind.GUESTS_PER_HOUR, "too_many_guests", said)


def admit_sign_up(network: str) -> None:
    """Before an account is made, once its form is right. Raises ``PromptRefused``."""
    said = _(
        "Too many accounts were made from your network in the last hour. Try again in"
        " %(duration)s."
    )
    _admit(network, Kind.SIGNUPS_PER_HOUR, "too_many_sign_ups", said)


def admit_mail(network: str) -> None:
    """Before a link is mailed where somebody asks. Raises ``PromptRefused``."""
    said = _(
        "Too many links were asked for from your network in the last hour. Try again"
        " in %(duration)s."
    )
    _admit(network, Kind.MAILS_PER_HOUR, "too_many_mails", said)


def _admit(network: str, kind: Kind, code: str, said: str) -> None:
    limit = limit_of(Whose.NETWORK, kind)
    if limit is None:
        return
    purse = network_purse(network, {kind: limit})
    with transaction.atomic():
        alone([purse.subject])
        standing = balances([purse], [kind])
        if seconds := math.ceil(standing[0].wait_seconds()):
            message = said % {"duration": duration(seconds)}
            raise PromptRefused(code, message, retry_seconds=seconds)
        take(standing, 1)
