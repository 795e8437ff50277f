"""A call that waits for replies, from its parking to the last end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from threading import Lock
from uuid import UUID

from chat.models import Reply
from chat.services.jobs.collect import collect_now
from chat.services.jobs.stop import stop_reply
from chat.services.live.blocking_channel import BlockingChannel
from chat.services.live.hub import hub
from chat.services.live.watched_reply import WatchedReply
from chatsite.mailbox.results import LiveReply, ReplyCursor
from chatsite.parked_answers import Channel

log = logging.getLogger(__name__)


class ReplyWatch:
    """Waits for replies on behalf of one call: a parked answer, and a watcher.

    ``has_text``: whether the call needs the text while it grows.
    ``is_stopped_on_hang_up``: whether the replies are stopped when the client is gone,
    and with it the last of those that sent the call with the same idempotency key.
    Subclasses say what the call gets. Their methods run under a lock, in the thread of
    the hub or in one that answers requests.
    """

    is_streamed = False

    def __init__(
        self, replies: Sequence[UUID], *, has_text: bool, is_stopped_on_hang_up: bool
    ) -> None:
        self.replies = [WatchedReply(pk, has_text=has_text) for pk in replies]
        self._is_stopped_on_hang_up = is_stopped_on_hang_up
        self.kept: Sequence[UUID] = replies if is_stopped_on_hang_up else ()
        self._looked_up: list[WatchedReply] = []
        self._channel: Channel
        self._lock = Lock()
        self._is_over = False

    # What the call gets

    def seen(self, watched: WatchedReply, reply: LiveReply) -> None:
        """Look at a reply that waits or is written."""

    def ended(self, watched: WatchedReply) -> None:
        """Look at a reply that has ended."""

    def tick(self, now: float) -> None:
        """Look at the clock, the monotonic one, from time to time."""

    def finish(self, channel: Channel) -> None:
        """Answer the call. If a reply has not ended, time is up."""
        raise NotImplementedError

    def conclude(self) -> None:
        """Answer the call now, once."""
        if not self._is_over:
            self._is_over = True
            hub().forget(self)
            self.finish(self._channel)

    # The main loop of the server

    def park(self, channel: Channel) -> None:
        """Begin to wait."""
        self._channel = channel
        hub().watch(self)

    def hang_up(self) -> None:
        """Stop the replies, since the client is gone, unless others wait for them."""
        self._is_over = True
        hub().forget(self)
        if self._is_stopped_on_hang_up:
            self._channel.submit(self._stop_replies)

    def interrupt(self) -> None:
        """Answer at once, since this process ends."""
        self._channel.submit(partial(self._under_lock, self.conclude))

    def __iter__(self) -> Iterator[bytes]:
        """Wait in this thread, under a server that parks no answers."""
        channel = BlockingChannel()
        self.park(channel)
        try:
            yield from channel
        finally:
            if not self._is_over:
                self.hang_up()
            channel.run_tasks()

    # The thread of the hub

    def cursors(self) -> Sequence[ReplyCursor]:
        """Return where the new text of each reply begins."""
        self._looked_up = [one for one in self.replies if not one.has_ended]
        return [watched.cursor() for watched in self._looked_up]

    def see(self, replies: Sequence[LiveReply], now: float) -> None:
        """Look at the replies, and have the rows of those read that may have ended."""
        with self._lock:
            if self._is_over:
                return
            for watched, reply in zip(self._looked_up, replies, strict=False):
                self.seen(watched, reply)
                if watched.is_row_due(reply, now):
                    self._channel.submit(partial(self._read, watched))
            self.tick(now)

    # Threads that answer requests

    def _read(self, watched: WatchedReply) -> None:
        """Read the row of a reply, which the mailbox does not have or which ended."""
        row = Reply.objects.with_path().filter(pk=watched.pk).first()
        if row is not None:
            row = collect_now(row)
        if row is not None and not row.is_terminal:
            watched.asked(time.monotonic())
        else:
            watched.end(row)
            self._under_lock(partial(self._note_end, watched))

    def _note_end(self, watched: WatchedReply) -> None:
        if self._is_over:
            return
        self.ended(watched)
        if all(one.has_ended for one in self.replies):
            self.conclude()

    def _stop_replies(self) -> None:
        """Stop what no other call waits for."""
        left = [one.pk for one in self.replies if not one.has_ended]
        pks = hub().without_callers(left)
        for reply in Reply.objects.with_path().filter(pk__in=pks):
            stop_reply(reply, is_given_up=True)

    def _under_lock(self, act: Callable[[], None]) -> None:
        with self._lock:
            act()
