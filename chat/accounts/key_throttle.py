"""Counts wrong API keys by network, so that a program with one does not go on.

A right key is answered all the same: programs behind one address do not lock each other
out, and no secret of 256 bits is guessed.
"""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from chat.accounts.client_network import network_digest
from chat.models import AttemptCounter
from chat.services.optional_write import NotWritten, optional_write

SALT = "chat.accounts.key_throttle"
HOUR = timedelta(hours=1)


def count_wrong_key(request: HttpRequest) -> int | None:
    """Count a wrong key of the client's network.

    Returns None, or if there were too many in an hour, the seconds until it is over.
    """
    limit, now = settings.NETWORK_WRONG_KEYS_PER_HOUR, timezone.now()
    if limit is None:
        return None
    keyed = salted_hmac(SALT, network_digest(request), algorithm="sha256")
    digest = keyed.hexdigest()
    counters = AttemptCounter.objects
    if ends_at := counters.end_of_lock(digest, now, limit):
        return max(1, math.ceil((ends_at - now).total_seconds()))
    with suppress(NotWritten), optional_write():
        counters.take(digest, now, limit, HOUR, slides=False)
    return None
