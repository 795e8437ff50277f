"""Limits per network and hour: new guests, new accounts, mails to typed addresses.

The first message creates a guest, so a browser that drops its cookies creates one with
each message. An account has limits of its own. So new guests and accounts of a network
are limited here, far above what a school behind one address needs. The same holds for
mails to addresses that a visitor typed.
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
    """Count a new guest of this network. Raises ``MessageRefused``."""
    said = _(
        "Too many new guests from your network in the last hour. Your text is safe: try"
        " again in %(duration)s."
    )
    _admit(network, LimitKind.GUESTS_PER_HOUR, "too_many_guests", said)


def admit_sign_up(network: str) -> None:
    """Count a new account of this network. Raises ``MessageRefused``.

    Call it once the form is valid.
    """
    said = _(
        "Too many new accounts from your network in the last hour. Try again in"
        " %(duration)s."
    )
    _admit(network, LimitKind.SIGNUPS_PER_HOUR, "too_many_sign_ups", said)


def admit_mail(network: str) -> None:
    """Count a mail that a visitor of this network asks for.

    Raises ``MessageRefused``.
    """
    said = _(
        "Too many links sent for your network in the last hour. Try again in"
        " %(duration)s."
    )
    _admit(network, LimitKind.MAILS_PER_HOUR, "too_many_mails", said)


def _admit(network: str, kind: LimitKind, code: str, said: str) -> None:
    limit = limit_of(LimitScope.NETWORK, kind)
    if limit is None:
        return
    subject = network_subject(network, {kind: limit})
    with transaction.atomic():
        advisory_lock([subject.key])
        usages = current_usage([subject], [kind])
        if seconds := math.ceil(usages[0].wait_seconds()):
            message = said % {"duration": duration(seconds)}
            raise MessageRefused(code, message, retry_seconds=seconds)
        record_usage(usages, 1)
