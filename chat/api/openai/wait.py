"""A call that gets its replies as a whole, once they have ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

from chat.api.openai.logprobs import LogprobsReader
from chat.api.openai.parameters import AskedCall
from chat.models import Reply
from chat.services.live.watch import ReplyWatch
from chat.services.live.watched_reply import WatchedReply
from chatsite.logprobs import TokenLogprobs
from chatsite.mailbox.results import LiveReply, LiveState
from chatsite.parked_answers import Channel

#: Clients give up a call that has brought nothing for so long, and send it again.
#: Node's HTTP client does after 300 seconds, OpenAI's for Python after 600.
QUEUE_SECONDS = 240
CALL_SECONDS = 290


class CompletionWait(ReplyWatch):
    """Waits for the end of the replies to one call, shorter than its client does."""

    def __init__(self, asked: AskedCall, replies: Sequence[Reply]) -> None:
        super().__init__(
            [reply.pk for reply in replies], has_text=False, is_stopped_on_hang_up=True
        )
        self.asked = asked
        self._began = time.monotonic()
        self._has_started = False
        self._logprobs: dict[UUID, list[TokenLogprobs]] = {}

    @property
    def rows(self) -> list[Reply]:
        """The rows of the replies that have ended, in the order of the choices."""
        return [watched.row for watched in self.replies if watched.row is not None]

    @property
    def logprobs(self) -> list[list[TokenLogprobs]]:
        """The tokens of each of them, if their log probabilities are wanted."""
        return [self._logprobs.get(row.pk, []) for row in self.rows]

    def ended(self, watched: WatchedReply) -> None:
        """Read the log probabilities before the mailbox forgets them."""
        if self.asked.has_logprobs:
            self._logprobs[watched.pk] = LogprobsReader(watched.pk).rest()

    def seen(self, _watched: WatchedReply, reply: LiveReply) -> None:
        """Note that a worker writes."""
        if reply.state is LiveState.RUNNING:
            self._has_started = True

    def tick(self, now: float) -> None:
        """Give up before the client does."""
        patience = CALL_SECONDS if self._has_started else QUEUE_SECONDS
        if now - self._began >= patience:
            self.conclude()
            self._channel.submit(self._stop_replies)

    def finish(self, channel: Channel) -> None:
        """Have the request handled again."""
        channel.answer()
