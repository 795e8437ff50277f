"""A call that gets its replies as they are written, as server-sent events."""

from __future__ import annotations

import time
from collections.abc import Sequence

from chat.api.openai.answers import DONE, Answer, event, finish_reason
from chat.api.openai.errors import OpenAIError
from chat.api.openai.logprobs import LogprobsReader
from chat.api.openai.parameters import AskedCall
from chat.models import Reply
from chat.services.live.watch import ReplyWatch
from chat.services.live.watched_reply import TextChanged, WatchedReply
from chatsite.logprobs import TokenLogprobs
from chatsite.mailbox.results import LiveReply
from chatsite.parked_answers import Channel

#: Some clients end a stream that brings no event for two minutes, proxies one that is
#: silent for one minute.
SILENT_SECONDS = 15
GONE = OpenAIError(500, "The conversation of this call was deleted.", code="deleted")
RESTARTING = OpenAIError(503, "The server is restarting. Try again.", code="restarting")
CHANGED = OpenAIError(
    500, "The worker was lost and its text changed. Try again.", code="worker_lost"
)


class CompletionStream(ReplyWatch):
    """Sends the text of replies while it grows, each of them as one choice."""

    is_streamed = True

    def __init__(self, asked: AskedCall, replies: Sequence[Reply]) -> None:
        super().__init__(
            [reply.pk for reply in replies], has_text=True, is_stopped_on_hang_up=True
        )
        self._asked = asked
        self._tells = asked.has_logprobs
        self._answer = Answer(asked, replies[0])
        self._numbers = {reply.pk: number for number, reply in enumerate(replies)}
        self._logprobs = {pk: LogprobsReader(pk) for pk in self._numbers}
        #: Characters that were sent of each reply.
        self._lengths = dict.fromkeys(self._numbers, 0)
        self._sent_at = time.monotonic()
        self._error: OpenAIError | None = None

    def park(self, channel: Channel) -> None:
        """Send the first event of each choice at once."""
        for number in self._numbers.values():
            channel.send(self._answer.first_chunk(number))
        super().park(channel)

    def seen(self, watched: WatchedReply, reply: LiveReply) -> None:
        """Send the text that is new."""
        try:
            text = watched.more_text(reply)
        except TextChanged:
            self._fail(CHANGED)
            return
        if text:
            tokens = self._logprobs[watched.pk].more(reply.run) if self._tells else []
            self._send(watched, text, tokens)

    def ended(self, watched: WatchedReply) -> None:
        """Send the rest of a reply, and why it ended."""
        if watched.row is None:
            self._fail(GONE)
            return
        try:
            reason = finish_reason(watched.row, self._asked)
            rest = watched.rest(watched.row.message.text)
            tokens = self._logprobs[watched.pk].rest() if self._tells else []
            self._send(watched, rest, tokens)
        except OpenAIError as error:
            self._fail(error)
        except TextChanged:
            self._fail(CHANGED)
        else:
            number = self._numbers[watched.pk]
            self._channel.send(self._answer.last_chunk(number, reason))

    def tick(self, now: float) -> None:
        """Say that the stream is alive."""
        if now - self._sent_at >= SILENT_SECONDS:
            self._sent_at = now
            for watched in self.replies:
                if not watched.has_ended:
                    number = self._numbers[watched.pk]
                    self._channel.send(self._answer.first_chunk(number))

    def finish(self, channel: Channel) -> None:
        """Send the numbers of tokens, if they are wanted, and the end."""
        rows = [watched.row for watched in self.replies if watched.row is not None]
        is_complete = len(rows) == len(self.replies)
        if self._error is None and not is_complete:
            self._error = RESTARTING
        if self._error is not None:
            channel.send(event(self._error.body()))
        elif self._asked.has_usage:
            channel.send(self._answer.usage_chunk(rows))
        channel.send(DONE)
        channel.end()

    def _send(
        self, watched: WatchedReply, text: str, tokens: Sequence[TokenLogprobs]
    ) -> None:
        if not text and not tokens:
            return
        self._sent_at = time.monotonic()
        number, length = self._numbers[watched.pk], self._lengths[watched.pk]
        self._lengths[watched.pk] += len(text)
        self._channel.send(self._answer.chunk(number, text, tokens, length=length))

    def _fail(self, error: OpenAIError) -> None:
        """End the stream with an error; replies that are still written are stopped."""
        self._error = error
        self.conclude()
        self._channel.submit(self._stop_replies)
