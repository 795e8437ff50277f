"""A call that gets its whole answer once replies have ended, or time is up."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from uuid import UUID

from chat.services.jobs.reply_status import ReplyStatus
from chat.services.live.watch import ReplyWatch
from chat.services.live.watched_reply import WatchedReply
from chatsite import wire
from chatsite.mailbox.results import LiveReply, LiveState
from chatsite.parked_answers import Channel


class WaitForEnd(ReplyWatch):
    """Waits for the end of replies, for at most so many seconds.

    ``known`` has what the caller knows of some of them: a change of these ends the wait
    as well.
    """

    def __init__(
        self,
        replies: Sequence[UUID],
        seconds: float,
        *,
        known: Mapping[UUID, ReplyStatus] | None = None,
        is_stopped_on_hang_up: bool = False,
    ) -> None:
        super().__init__(
            replies, has_text=False, is_stopped_on_hang_up=is_stopped_on_hang_up
        )
        self._deadline = time.monotonic() + seconds
        self._known = {pk: _live(status) for pk, status in (known or {}).items()}

    def seen(self, watched: WatchedReply, reply: LiveReply) -> None:
        """End the wait if the caller knows less of the reply."""
        now = reply.state, reply.run, reply.tokens
        if self._known.get(watched.pk, now) != now:
            self.conclude()

    def tick(self, now: float) -> None:
        """End the wait if time is up."""
        if now >= self._deadline:
            self.conclude()

    def finish(self, channel: Channel) -> None:
        """Have the request handled again."""
        channel.answer()


def _live(status: ReplyStatus) -> tuple[LiveState, int, int]:
    """What the mailbox says of a reply in this state."""
    if status.state is wire.State.RUNNING:
        return LiveState.RUNNING, status.run, status.tokens
    is_in_queue = status.state is wire.State.QUEUED and not status.is_unpublished
    return LiveState.QUEUED if is_in_queue else LiveState.MISSING, 0, 0
