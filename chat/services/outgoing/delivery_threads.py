"""The keeper's threads that send what is due, so that no sweep waits for an address."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from datetime import datetime, timedelta
from operator import attrgetter
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import ClassVar, Generic, TypeVar

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.db.models import QuerySet
from django.utils import timezone

from chat.models.claimed_row import ClaimedRow
from chatsite.logs import error_type

log = logging.getLogger(__name__)

#: So that a slow address of one account does not hold up those of others.
PER_OWNER = 2
#: How many addresses are remembered to give the others their turn.
RECENT = 100
#: Seconds in which calls under way may end when the keeper does.
GRACE_SECONDS = 3.0
#: A keeper that claimed a row and has not noted its end for so long has died. Longer
#: than any call, with a slow look-up of the name.
LEASE_SECONDS = 120


Row = TypeVar("Row", bound=ClaimedRow)


class DeliverySender(ABC, Generic[Row]):
    """Looks for due rows and sends a bounded number of them at a time.

    Each row belongs to an owner and goes to an address; the paths say which columns
    these are.
    """

    #: Of the threads, and in logs.
    name: ClassVar[str]
    owner_path: ClassVar[str]
    address_path: ClassVar[str]

    def __init__(self, threads: int, call_seconds: float) -> None:
        #: The time for which a claim holds.
        self._lease = timedelta(seconds=LEASE_SECONDS + 2 * call_seconds)
        self._end = Event()
        #: Set when a thread becomes free, which may have more to send at once.
        self._wake = Event()
        self._lock = Lock()
        #: Calls under way by their owner.
        self._busy: Counter[object] = Counter()
        #: Addresses that are called now: one has one call at a time.
        self._called: set[object] = set()
        #: Addresses that were called last, by their owner. Others have their turn
        #: first.
        self._recent: deque[tuple[object, object]] = deque(maxlen=RECENT)
        self._claimed: SimpleQueue[Row | None] = SimpleQueue()
        self._looker = Thread(target=self._look, name=self.name, daemon=True)
        self._senders = [
            Thread(target=self._send, name=f"{self.name}-{number}", daemon=True)
            for number in range(threads)
        ]

    @abstractmethod
    def is_wanted(self) -> bool:
        """Whether the site sends anything of this kind."""

    @abstractmethod
    def due(self, now: datetime) -> QuerySet[Row] | None:
        """Rows to send now, the longest due first; None if there are certainly none."""

    @abstractmethod
    def deliver(self, row: Row) -> None:
        """Try a claimed row once, and note the outcome."""

    def start(self) -> None:
        """Start the threads, if the site sends anything of this kind."""
        if self.is_wanted():
            for thread in (self._looker, *self._senders):
                thread.start()

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Begin no further call, and give those under way some time to end."""
        self._end.set()
        self._wake.set()
        for _ in self._senders:
            self._claimed.put(None)
        ends_at = time.monotonic() + grace_seconds
        for thread in filter(Thread.is_alive, (self._looker, *self._senders)):
            thread.join(max(0, ends_at - time.monotonic()))

    def _look(self) -> None:
        failures = 0
        while not self._end.is_set():
            try:
                self.claim_due()
                failures = 0
            except DatabaseError as error:
                failures += 1
                if failures == 1:
                    log.warning("%s wait: %s", self.name, error_type(error))
            except Exception:
                log.exception("looking for %s failed", self.name)
            finally:
                close_old_connections()
            self._wake.wait(settings.SWEEP_SECONDS)
            self._wake.clear()
        connection.close()

    def claim_due(self) -> int:
        """Claim as many due rows as there are free threads; return the number."""
        claimed = 0
        while (row := self._next()) is not None:
            if not row.claim(timezone.now(), self._lease):
                continue
            owner, address = self._owner(row), self._address(row)
            with self._lock:
                self._busy[owner] += 1
                self._called.add(address)
            self._recent.append((owner, address))
            self._claimed.put(row)
            claimed += 1
        return claimed

    def _next(self) -> Row | None:
        with self._lock:
            busy, called = +self._busy, [*self._called]
        if busy.total() >= len(self._senders) or self._end.is_set():
            return None
        due = self.due(timezone.now())
        if due is None:
            return None
        full = [owner for owner, count in busy.items() if count >= PER_OWNER]
        due = due.exclude(**{f"{self.owner_path}__in": full}) if full else due
        return self._in_turn(self._without(due, called))

    def _in_turn(self, due: QuerySet[Row]) -> Row | None:
        """The longest due to an address that was not called last, if there is one."""
        recent = [address for _, address in self._recent]
        found = self._without(due, recent).first()
        if found is None and recent and (found := due.first()):
            # All of its owner had their turn, and the next round begins.
            owner = self._owner(found)
            others = (one for one in self._recent if one[0] != owner)
            self._recent = deque(others, maxlen=RECENT)
        return found

    def _without(self, due: QuerySet[Row], addresses: list[object]) -> QuerySet[Row]:
        if not addresses:
            return due
        return due.exclude(**{f"{self.address_path}__in": addresses})

    def _owner(self, row: Row) -> object:
        return attrgetter(self.owner_path.replace("__", "."))(row)

    def _address(self, row: Row) -> object:
        return attrgetter(self.address_path.replace("__", "."))(row)

    def _send(self) -> None:
        while (row := self._claimed.get()) is not None:
            try:
                self.deliver(row)
            except Exception as error:
                # It is tried again when its lease ends.
                log.warning("%s is not noted: %s", row, error_type(error))
            finally:
                close_old_connections()
                with self._lock:
                    self._busy[self._owner(row)] -= 1
                    self._called.discard(self._address(row))
                self._wake.set()
        connection.close()
