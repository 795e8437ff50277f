"""The keeper: one process that puts jobs right and does what retention asks."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings

from chat.accounts.retention import Retention
from chat.models.pending_work import has_pending_work
from chat.services.conversation_deletion import removed_if_deleted_before
from chat.services.jobs.reconcile import Reconciler
from chat.services.limits.usage import purged_if_full_before
from chat.services.operation.each_minute import EachMinute
from chat.services.titles.titles import run_titles
from chatsite.mailbox import MailboxAway, open_mailbox


class Keeper:
    """What one keeper remembers from sweep to sweep.

    ``clock`` returns seconds that never run backwards. ``more`` is done last in each
    sweep, unless ``has_pending_work`` finds nothing.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        more: Callable[[], None] = lambda: None,
    ) -> None:
        self._more = more
        self._reconciler = Reconciler(clock)
        self._each_minute = EachMinute(clock)
        self._retention = Retention(clock)

    def sweep(self) -> None:
        """One round of each. Raises ``MailboxAway`` if Redis cannot be reached.

        Most rounds find nothing to do. So the database and Redis are first asked one
        question each, which cost a tenth of a round. Once a minute there is a round in
        any case, since retention is due.
        """
        try:
            if self._is_idle():
                return
            self._reconciler.reconcile()
        except MailboxAway:
            self._each_minute.reset()
            raise
        self._each_minute.run()
        self._retention.run()
        run_titles()
        open_mailbox().announce_keeper(settings.SWEEP_SECONDS)
        self._more()

    def _is_idle(self) -> bool:
        is_due = self._each_minute.is_due() or self._retention.is_due()
        if is_due or has_pending_work(
            deleted_before=removed_if_deleted_before(),
            full_before=purged_if_full_before(),
        ):
            return False
        return self._reconciler.is_idle()
