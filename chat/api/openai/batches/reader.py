"""Reads the files of batches in slices, so that no file holds up a sweep.

A keeper remembers where it is in each file. What it has read is lost with it, and the
next keeper begins at the first line.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from itertools import groupby
from uuid import UUID

from chat.api.openai.batches.validation import refuse_unreadable, validate
from chat.models import Batch, BatchStatus
from chat.services.jobs.guarded import ends_the_sweep
from chatsite.logs import error_type

log = logging.getLogger(__name__)

#: How long one sweep reads, all files together.
READ_SECONDS = 0.3
#: Files that are read by turns; each has the digests of its custom_ids in memory.
FILES_MAX = 10
#: A file that a keeper failed to read so often, once a sweep, is read no longer.
TRIES = 10


class FileReader:
    """What a keeper remembers of the files that it reads.

    ``clock`` returns seconds that never run backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reading: dict[UUID, Iterator[None]] = {}
        #: How often reading each file has failed.
        self._failures: Counter[UUID] = Counter()
        #: Each sweep begins with another owner.
        self._turn = 0

    def read(self) -> None:
        """Read for a while: the oldest batch of each owner, by turns."""
        ends_at = self._clock() + READ_SECONDS
        queue = self._queue()
        while queue:
            of_owner = queue.popleft()
            if not self._step(of_owner[0]):
                of_owner.popleft()
            if of_owner:
                queue.append(of_owner)
            if self._clock() >= ends_at:
                break

    def _queue(self) -> deque[deque[Batch]]:
        found = Batch.objects.filter(status=BatchStatus.VALIDATING)
        batches = list(
            found.select_related("input_file").order_by("owner", "created_at")
        )
        open_ones = {batch.pk for batch in batches}
        # The others were cancelled, or read by another keeper.
        for pk in (self._reading.keys() | self._failures.keys()) - open_ones:
            self._forget(pk)
        by_owner = groupby(batches, lambda batch: batch.owner_id)
        queue = deque(deque(group) for _, group in by_owner)
        queue.rotate(-self._turn)
        self._turn += 1
        return queue

    def _step(self, batch: Batch) -> bool:
        """Read some lines; False if there are no more, or not in this sweep."""
        if batch.pk not in self._reading and len(self._reading) >= FILES_MAX:
            return False
        steps = self._reading.setdefault(batch.pk, validate(batch))
        try:
            next(steps)
        except StopIteration:
            self._forget(batch.pk)
            return False
        except Exception as error:
            # Its text may have parts of the file.
            log.error("%s is not read: %s", batch, error_type(error))  # noqa: TRY400
            del self._reading[batch.pk]
            if not ends_the_sweep(error):
                self._note_failure(batch)
            return False
        return True

    def _note_failure(self, batch: Batch) -> None:
        """Count it; a batch whose file fails too often fails."""
        self._failures[batch.pk] += 1
        if self._failures[batch.pk] >= TRIES:
            refuse_unreadable(batch)

    def _forget(self, pk: UUID) -> None:
        self._reading.pop(pk, None)
        self._failures.pop(pk, None)
