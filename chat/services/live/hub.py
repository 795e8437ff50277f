"""Asks the mailbox for all replies that the calls of this process wait for.

One thread does so, in one round trip however many calls there are, and sleeps while
there are none. So a call that waits costs neither a thread nor a trip of its own. The
same trip marks the replies that are written for these calls, so that other processes
and the keeper know who waits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import cache
from threading import Condition, Thread
from typing import Protocol
from uuid import UUID

from django.conf import settings

from chat.services.live.caller_marks import CallerMarks
from chatsite.mailbox import MailboxAway, open_mailbox
from chatsite.mailbox.callers import CallerMark
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
        self._marks = CallerMarks()
        self._changed = Condition()
        self._thread: Thread | None = None

    def __len__(self) -> int:
        """Return the number of calls that wait."""
        return len(self._watchers)

    def watch(self, watcher: Watcher) -> None:
        """Wait on behalf of a call until ``forget``."""
        with self._changed:
            self._watchers[watcher] = None
            self._marks.add(watcher.kept)
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name="live", daemon=True)
                self._thread.start()
            self._changed.notify()

    def forget(self, watcher: Watcher) -> None:
        """Wait for it no longer."""
        with self._changed:
            if watcher in self._watchers:
                del self._watchers[watcher]
                self._marks.remove(watcher.kept)

    def without_callers(self, replies: Sequence[UUID]) -> list[UUID]:
        """Return those of these replies for which no call of any process waits.

        While the mailbox is away only the calls of this process count.
        """
        left = [reply for reply in replies if reply not in self._marks]
        names = [str(reply) for reply in left]
        seconds = settings.CALLER_LOST_SECONDS
        try:
            alone = open_mailbox().let_go(self._marks.process, names, seconds)
        except MailboxAway:
            return left
        return [UUID(reply) for reply in alone]

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
        replies = self._ask([cursor for _, cursors in asked for cursor in cursors])
        now, begin = time.monotonic(), 0
        for watcher, cursors in asked:
            end = begin + len(cursors)
            try:
                watcher.see(replies[begin:end], now)
            except Exception:
                log.exception("a call that waited for replies is given up")
                self.forget(watcher)
            begin = end

    def _ask(self, cursors: Sequence[ReplyCursor]) -> list[LiveReply]:
        if not cursors:
            return []
        try:
            return open_mailbox().live_replies(cursors, self._mark())
        except MailboxAway:
            pass
        except Exception:
            log.exception("the mailbox gave no answer")
        with self._changed:
            self._marks.mark_again()
        return []

    def _mark(self) -> CallerMark:
        seconds = settings.CALLER_LOST_SECONDS
        with self._changed:
            replies = self._marks.due(time.monotonic(), seconds)
        return CallerMark(self._marks.process, replies, seconds)


@cache
def hub() -> Hub:
    """Return the hub of this process."""
    return Hub()
