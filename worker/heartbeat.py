"""The heartbeat of a worker: announces what it serves, every second and on change."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable
from threading import Event, Thread

from chatsite import wire
from chatsite.mailbox import Mailbox, MailboxAway
from chatsite.mailbox.workers import AnnouncementAnswer

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 1.0


def new_worker_name(node: str) -> str:
    """Return a name that no earlier process had: ``worker-1@host-4711-a1b2c3``.

    ``node``: the name that Celery was given, with the host. The process id and a random
    number follow it.
    """
    return f"{node}-{os.getpid()}-{secrets.token_hex(3)}"


def lasting_name(worker: str) -> str:
    """Return what the names of all processes of one worker have: ``worker-1@host``."""
    return worker.rsplit("-", 2)[0]


class Heartbeat:
    """Announces what ``describe`` returns, from a thread of its own, until closed."""

    def __init__(
        self,
        box: Mailbox,
        describe: Callable[[], wire.Announcement],
        on_answer: Callable[[AnnouncementAnswer], None] = lambda _answer: None,
    ) -> None:
        """Start at once: a worker is announced while it still loads its model.

        ``on_answer`` is called with the answer to each announcement.
        """
        self._box = box
        self._describe = describe
        self._on_answer = on_answer
        self._closing = Event()
        self._changed = Event()
        self._thread = Thread(target=self._loop, name="heartbeat", daemon=True)
        self._thread.start()

    def beat(self) -> None:
        """Announce now. Does nothing while Redis is away."""
        try:
            answer = self._box.announce(self._describe())
        except MailboxAway as error:
            log.debug("no announcement: %s", error)
        else:
            self._on_answer(answer)

    def beat_soon(self) -> None:
        """Announce a change from the heartbeat's thread, before the second is over."""
        self._changed.set()

    def close(self) -> None:
        """Withdraw the announcement and end the thread."""
        self._closing.set()
        self._changed.set()
        self._thread.join()
        try:
            self._box.withdraw(self._describe())
        except MailboxAway:
            log.info("the announcement was not withdrawn; it expires")

    def end_with(self, last: wire.Announcement, seconds: float) -> None:
        """Close, and leave another announcement for so many seconds."""
        self.close()
        try:
            self._box.announce(last, seconds)
        except MailboxAway as error:
            log.info("not announced: %s", error)

    def withdraw(self, announcement: wire.Announcement) -> None:
        """Withdraw what an earlier process left."""
        try:
            self._box.withdraw(announcement)
        except MailboxAway:
            log.info("an earlier announcement was not withdrawn; it expires")

    def _loop(self) -> None:
        while not self._closing.is_set():
            self._changed.clear()
            self.beat()
            self._changed.wait(HEARTBEAT_SECONDS)
