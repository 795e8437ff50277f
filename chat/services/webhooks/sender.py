"""The keeper's threads that call webhooks, so that no sweep waits for an address."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from queue import SimpleQueue
from threading import Event, Lock, Thread
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.db.models import QuerySet
from django.utils import timezone

from chat.models import WebhookDelivery
from chat.services.webhooks.deliver import deliver, lease
from chatsite.logs import error_type

log = logging.getLogger(__name__)

#: So that a slow address of one account does not hold up those of others.
PER_OWNER = 2
#: How many webhooks are remembered to give the others their turn.
RECENT = 100
#: Seconds in which calls under way may end when the keeper does.
GRACE_SECONDS = 3.0


class WebhookSender:
    """Looks for due deliveries and sends a bounded number of them at a time."""

    def __init__(self) -> None:
        self._end = Event()
        #: Set when a thread becomes free, which may have more to send at once.
        self._wake = Event()
        self._lock = Lock()
        #: Calls under way by their owner.
        self._busy: Counter[UUID] = Counter()
        #: Webhooks that are called now: one has one call at a time.
        self._called: set[UUID] = set()
        #: Webhooks that were called last, by their owner. Others have their turn first.
        self._recent: deque[tuple[UUID, UUID]] = deque(maxlen=RECENT)
        self._claimed: SimpleQueue[WebhookDelivery | None] = SimpleQueue()
        self._looker = Thread(target=self._look, name="webhooks", daemon=True)
        self._senders = [
            Thread(target=self._send, name=f"webhook-{number}", daemon=True)
            for number in range(settings.WEBHOOK_SENDERS)
        ]

    def start(self) -> None:
        """Start the threads, unless the site has no webhooks."""
        if settings.WEBHOOKS_MAX:
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
                    log.warning("webhooks wait: %s", error_type(error))
            except Exception:
                log.exception("looking for webhooks failed")
            finally:
                close_old_connections()
            self._wake.wait(settings.SWEEP_SECONDS)
            self._wake.clear()
        connection.close()

    def claim_due(self) -> int:
        """Claim as many due deliveries as there are free threads; return the number."""
        claimed = 0
        while (delivery := self._next()) is not None:
            if not delivery.claim(timezone.now(), lease()):
                continue
            with self._lock:
                self._busy[delivery.endpoint.owner_id] += 1
                self._called.add(delivery.endpoint_id)
            whose = delivery.endpoint.owner_id
            self._recent.append((whose, delivery.endpoint_id))
            self._claimed.put(delivery)
            claimed += 1
        return claimed

    def _next(self) -> WebhookDelivery | None:
        with self._lock:
            busy, called = +self._busy, [*self._called]
        if busy.total() >= settings.WEBHOOK_SENDERS or self._end.is_set():
            return None
        now = timezone.now()
        if not WebhookDelivery.objects.may_be_due(now):
            return None
        full = [owner for owner, count in busy.items() if count >= PER_OWNER]
        due = WebhookDelivery.objects.due(now).select_related(
            "endpoint", "reply__message__conversation", "batch"
        )
        due = due.exclude(endpoint__owner__in=full) if full else due
        return self._in_turn(due.exclude(endpoint__in=called) if called else due)

    def _in_turn(self, due: QuerySet[WebhookDelivery]) -> WebhookDelivery | None:
        """The longest due of a webhook that was not called last, if there is one."""
        recent = [endpoint for _, endpoint in self._recent]
        found = due.exclude(endpoint__in=recent).first() if recent else due.first()
        if found is None and recent and (found := due.first()):
            # All of its owner had their turn, and the next round begins.
            owner = found.endpoint.owner_id
            others = (one for one in self._recent if one[0] != owner)
            self._recent = deque(others, maxlen=RECENT)
        return found

    def _send(self) -> None:
        while (delivery := self._claimed.get()) is not None:
            try:
                deliver(delivery)
            except Exception as error:
                # It is tried again when its lease ends.
                log.warning("%s is not noted: %s", delivery, error_type(error))
            finally:
                close_old_connections()
                with self._lock:
                    self._busy[delivery.endpoint.owner_id] -= 1
                    self._called.discard(delivery.endpoint_id)
                self._wake.set()
        connection.close()
