"""The keeper: one process that puts jobs right and does what retention asks."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings

from chat.accounts.retention import Retention
from chat.services.jobs.reconcile import Reconciler
from chatsite.mailbox import open_mailbox


class Keeper:
    """What one keeper remembers from sweep to sweep.

    ``clock`` returns seconds that never run backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._reconciler = Reconciler(clock)
        self._retention = Retention(clock)

    def sweep(self) -> None:
        """One round of both. Raises ``MailboxAway`` if Redis cannot be reached."""
        self._reconciler.reconcile()
        self._retention.run()
        open_mailbox().announce_keeper(settings.SWEEP_SECONDS)
