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

    ``clock`` returns seconds that never run backwards. ``more`` is done in each sweep.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        more: Callable[[], None] = lambda: None,
    ) -> None:
        self._more = more
        self._reconciler = Reconciler(clock)
        self._retention = Retention(clock)

    def sweep(self) -> None:
        """One round of each. Raises ``MailboxAway`` if Redis cannot be reached."""
        self._reconciler.reconcile()
        self._more()
        self._retention.run()
        open_mailbox().announce_keeper(settings.SWEEP_SECONDS)
