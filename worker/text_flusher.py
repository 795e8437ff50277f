"""Sends the growing text of all replies to the mailbox, at intervals."""

from __future__ import annotations

import logging
from threading import Event, Thread

from chatsite.mailbox import Mailbox, MailboxAway
from worker.live_replies import LiveReplies

log = logging.getLogger(__name__)


class TextFlusher:
    """A thread that flushes what is new, renews leases and receives stops."""

    def __init__(
        self,
        box: Mailbox,
        live: LiveReplies,
        *,
        lease_seconds: float,
        flush_seconds: float,
    ) -> None:
        """Start at once."""
        self._box = box
        self._live = live
        self._lease_seconds = lease_seconds
        self._flush_seconds = flush_seconds
        self.closed = Event()
        #: Set when text must not wait for the next flush.
        self._is_urgent = Event()
        self._thread = Thread(target=self._loop, name="flusher", daemon=True)
        self._thread.start()

    def hurry(self) -> None:
        """Flush as soon as possible."""
        self._is_urgent.set()

    def close(self) -> None:
        """End the thread."""
        self.closed.set()
        self._is_urgent.set()
        self._thread.join()

    def _loop(self) -> None:
        """Flush at intervals, and at once when a reply has its first text."""
        while not self.closed.is_set():
            self._is_urgent.wait(self._flush_seconds)
            self._is_urgent.clear()
            try:
                self._flush()
            except MailboxAway as error:
                log.debug("text waits: %s", error)
            except Exception:
                log.exception("flush failed")

    def _flush(self) -> None:
        """Send the new text of all live replies, renew leases, receive stops."""
        live = self._live.all()
        if not live:
            return
        writes = [delivery.next_write() for delivery in live]
        results = self._box.write(writes, self._lease_seconds)
        for delivery, result in zip(live, results, strict=True):
            if not delivery.ended.is_set():
                delivery.accept(result)
