"""One sync of SQLite's log for all transactions that wait for one (group commit).

A commit under ``synchronous=NORMAL`` writes to the log and leaves it to the operating
system. It is durable once the log is synced after that, or checkpointed, which syncs it
first: https://www.sqlite.org/wal.html#performance_considerations. While one sync runs,
further commits gather, and the next sync serves them all, as PostgreSQL's group commit.

SQLite keeps no lock on the log itself, so this module may open and close it.
"""

from __future__ import annotations

import os
from functools import cache
from threading import Condition


class SharedSync:
    """The syncs of one file."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._condition = Condition()
        self._is_running = False
        #: How many threads have asked, and for how many the outcome is known.
        self._asked = 0
        self._served = 0
        #: The errors of threads that have not yet seen them, by their number.
        self._errors: dict[int, OSError] = {}

    def wait(self) -> None:
        """Return when everything written before is on the disk. Raises ``OSError``."""
        with self._condition:
            self._asked += 1
            mine = self._asked
            self._condition.wait_for(lambda: self._is_served(mine) or self._can_lead())
            if not self._is_served(mine):
                self._lead()
            if error := self._errors.pop(mine, None):
                raise error

    def _is_served(self, number: int) -> bool:
        return self._served >= number

    def _can_lead(self) -> bool:
        return not self._is_running

    def _lead(self) -> None:
        """Sync for all threads that have asked by now.

        A failed sync is not repeated: the kernel may have dropped the data.
        """
        self._is_running, last = True, self._asked
        self._condition.release()
        try:
            error = self._sync()
        finally:
            self._condition.acquire()
            self._is_running = False
        if error:
            for number in range(self._served + 1, last + 1):
                self._errors[number] = error
        self._served = last
        self._condition.notify_all()

    def _sync(self) -> OSError | None:
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return None  # After a checkpoint all is in the database.
        except OSError as error:
            return error
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            return error
        finally:
            os.close(descriptor)
        return None


@cache
def shared_sync(database: str) -> SharedSync:
    """Return the sync of a database's log, for all threads of this process."""
    return SharedSync(f"{database}-wal")
