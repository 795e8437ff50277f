"""Asks the mailbox for all replies that the calls of this process wait for.

One thread does so, in one round trip however many calls there are, and sleeps while
there are none. So a call that waits costs neither a thread nor a trip of its own.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from functools import cache
from threading import Condition, Thread
from typing import Protocol
from uuid import UUID

from django.conf import settings

from chatsite.mailbox import MailboxAway, open_mailbox
from chatsite.mailbox.results import LiveReply, ReplyCursor

log = logging.getLogger(__name__)


class Watcher(Protocol):
    """A call that waits. Only the thread of the hub calls these methods."""

    #: The replies that are written for such calls alone.
    kept: Sequence[UUID]

    def cursors(self) -> Sequence[ReplyCursor]:
        """The replies that it waits for."""

    def see(self, replies: Sequence[LiveReply], now: float) -> None:
        """Look at these replies, at a time of the monotonic clock.

        There are none while the mailbox is away.
        """


class Hub:
    """The calls of one process that wait for replies."""

    def __init__(self) -> None:
        self._watchers: dict[Watcher, None] = {}
        self._kept: Counter[UUID] = Counter()
        self._changed = Condition()
        self._thread: Thread | None = None

    def __len__(self) -> int:
        """Return the number of calls that wait."""
        return len(self._watchers)

    def watch(self, watcher: Watcher) -> None:
        """Wait on behalf of a call until ``forget``."""
        with self._changed:
            self._watchers[watcher] = None
            self._kept.update(watcher.kept)
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name="live", daemon=True)
                self._thread.start()
            self._changed.notify()

    def forget(self, watcher: Watcher) -> None:
        """Wait for it no longer."""
        with self._changed:
            if watcher in self._watchers:
                del self._watchers[watcher]
                for reply in watcher.kept:
                    self._kept[reply] -= 1
                    if not self._kept[reply]:
                        del self._kept[reply]

    def is_kept(self, reply: UUID) -> bool:
        """Return whether a call waits for a reply that is written for it."""
        return reply in self._kept

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            with self._changed:
                while not self._watchers:
                    self._changed.wait()
                watchers = list(self._watchers)
            self._look(watchers)
            time.sleep(max(0.0, began + settings.STREAM_SECONDS - time.monotonic()))

    def _look(self, watchers: Sequence[Watcher]) -> None:
        asked = [(watcher, watcher.cursors()) for watcher in watchers]
        replies = _ask([cursor for _, cursors in asked for cursor in cursors])
        now, begin = time.monotonic(), 0
        for watcher, cursors in asked:
            end = begin + len(cursors)
            try:
                watcher.see(replies[begin:end], now)
            except Exception:
                log.exception("a call that waited for replies is given up")
                self.forget(watcher)
            begin = end


def _ask(cursors: Sequence[ReplyCursor]) -> list[LiveReply]:
    if not cursors:
        return []
    try:
        return open_mailbox().live_replies(cursors)
    except MailboxAway:
        return []
    except Exception:
        log.exception("the mailbox gave no answer")
        return []


@cache
def hub() -> Hub:
    """Return the hub of this process."""
    return Hub()
