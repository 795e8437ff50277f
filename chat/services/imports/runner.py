"""The loop that reads and stores imports, which the keeper runs in each sweep."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import groupby
from uuid import UUID, uuid4

from django.conf import settings
from django.db import InterfaceError, OperationalError

from chat.models import ConversationImport, ImportStatus
from chat.models.conversation_import import RUNNING
from chat.services.imports.reading import ClaimLost, read_import, refuse
from chat.services.imports.storing import fail_entry, store_import
from chatsite.logs import error_type

log = logging.getLogger(__name__)

#: How long one sweep works on imports, all together.
SWEEP_SECONDS = 0.3
#: Files that are read by turns; each may have a conversation in memory.
READ_AT_ONCE = 2
#: What is tried again in the next sweep.
AWAY = (OperationalError, InterfaceError)


class ImportRunner:
    """What a keeper remembers of imports.

    ``clock`` returns seconds that never run backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._keeper = uuid4()
        self._running: dict[tuple[UUID, str], Iterator[None]] = {}
        #: When the claim on an import was renewed last.
        self._claimed_at: dict[UUID, float] = {}
        self._seconds: dict[UUID, float] = {}
        self._turn = 0

    def run(self) -> None:
        """Work for a while: the oldest import of each owner, by turns."""
        ends_at = self._clock() + SWEEP_SECONDS
        queue = self._queue()
        while queue:
            of_import = queue.popleft()
            if self._step(of_import):
                queue.append(of_import)
            if self._clock() >= ends_at:
                break

    def _queue(self) -> deque[ConversationImport]:
        found = ConversationImport.objects.filter(status__in=RUNNING)
        rows = list(found.select_related("owner").order_by("owner", "created_at"))
        known = {(one.pk, one.status) for one in rows}
        for key in self._running.keys() - known:
            self._forget(key)
        queue = deque(next(own) for _, own in groupby(rows, lambda one: one.owner_id))
        queue.rotate(-self._turn)
        self._turn += 1
        return queue

    def _step(self, of_import: ConversationImport) -> bool:
        """Do a part of an import; False if it is over, or waits for another sweep."""
        key = of_import.pk, of_import.status
        if key not in self._running and len(self._running) >= READ_AT_ONCE:
            return False
        if not self._has_claim(of_import):
            self._forget(key)
            return False
        is_read = of_import.status == ImportStatus.READING
        work = read_import if is_read else store_import
        steps = self._running.setdefault(key, work(of_import))
        begun_at = self._clock()
        try:
            next(steps)
        except (StopIteration, ClaimLost):
            self._forget(key)
            return False
        except AWAY:
            self._forget(key)
            raise
        except Exception as error:
            # Its text may have parts of the file.
            log.error("%s failed: %s", of_import, error_type(error))  # noqa: TRY400
            self._forget(key)
            refuse(of_import, "unreadable") if is_read else fail_entry(of_import)
            return False
        spent = self._seconds.get(of_import.pk, 0.0) + self._clock() - begun_at
        self._seconds[of_import.pk] = spent
        if is_read and spent > settings.IMPORT_READ_SECONDS_MAX:
            self._forget(key)
            refuse(of_import, "too_slow")
            return False
        return True

    def _has_claim(self, of_import: ConversationImport) -> bool:
        """Whether this keeper may work on an import; it is asked now and then."""
        seconds, now = settings.LEASE_SECONDS, self._clock()
        of_import.claimed_by = self._keeper
        if now - self._claimed_at.get(of_import.pk, -seconds) < seconds / 3:
            return True
        if not of_import.claim(self._keeper, seconds):
            return False
        self._claimed_at[of_import.pk] = now
        return True

    def _forget(self, key: tuple[UUID, str]) -> None:
        self._running.pop(key, None)
        self._seconds.pop(key[0], None)
        self._claimed_at.pop(key[0], None)
