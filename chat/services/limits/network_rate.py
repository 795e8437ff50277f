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

from chat.services.advisory_lock import advisory_lock
from chat.services.errors import MessageRefused
from chat.services.limits.rules import LimitKind, LimitScope, limit_of
from chat.services.limits.usage import current_usage, network_subject, record_usage
from chat.wording.replies import duration


def admit_guest(network: str) -> None:
    """Before a guest is made. Raises ``MessageRefused``."""
    said = _(
        "Too many new guests came from your network in the last hour. Nothing you typed"
        " is lost: try again in %(duration)s."
    )
    _admit(network, LimitKind.GUESTS_PER_HOUR, "too_many_guests", said)


def admit_sign_up(network: str) -> None:
    """Before an account is made, once its form is right. Raises ``MessageRefused``."""
    said = _(
        "Too many accounts were made from your network in the last hour. Try again in"
        " %(duration)s."
    )
    _admit(network, LimitKind.SIGNUPS_PER_HOUR, "too_many_sign_ups", said)


def admit_mail(network: str) -> None:
    """Before a link is mailed where somebody asks. Raises ``MessageRefused``."""
    said = _(
        "Too many links were asked for from your network in the last hour. Try again"
        " in %(duration)s."
    )
    _admit(network, LimitKind.MAILS_PER_HOUR, "too_many_mails", said)


def _admit(network: str, kind: LimitKind, code: str, said: str) -> None:
    limit = limit_of(LimitScope.NETWORK, kind)
    if limit is None:
        return
    purse = network_subject(network, {kind: limit})
    with transaction.atomic():
        advisory_lock([purse.subject])
        standing = current_usage([purse], [kind])
        if seconds := math.ceil(standing[0].wait_seconds()):
            message = said % {"duration": duration(seconds)}
            raise MessageRefused(code, message, retry_seconds=seconds)
        record_usage(standing, 1)
