"""Says what this worker serves: every second, on change, from before it is loaded."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Callable
from threading import Event, Thread

from chatsite import wire
from chatsite.mailbox import Mailbox, MailboxAway

log = logging.getLogger(__name__)

SECONDS = 1.0


def fresh_name() -> str:
    """A name for this process that none before it had (host, pid, random)."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


class Herald:
    """Announces what ``describe`` returns until it is closed."""

    def __init__(self, box: Mailbox, describe: Callable[[], wire.Announcement]) -> None:
        self._box = box
        self._describe = describe
        self._closing = Event()
        self._wake = Event()
        self._thread = Thread(target=self._loop, name="herald", daemon=True)
        self._thread.start()

    def speak(self) -> None:
        """Announce now; silent while Redis is away."""
        try:
            self._box.announce(self._describe())
        except MailboxAway as error:
            log.debug("nobody to announce to: %s", error)

    def wake(self) -> None:
        """Something changed: announce it without waiting for the next second."""
        self._wake.set()

    def close(self) -> None:
        """Withdraw the announcement and end."""
        self._closing.set()
        self._wake.set()
        self._thread.join()
        try:
            self._box.withdraw(self._describe())
        except MailboxAway:
            log.info("the announcement expires by itself")

    def _loop(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            self.speak()
            self._wake.wait(SECONDS)
