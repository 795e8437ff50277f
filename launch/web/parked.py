"""Parked answers, as ``chatsite.parked_answers`` describes them, in the main loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

from chatsite.parked_answers import ParkedAnswer
from launch.web.connections import Connection
from launch.web.event_loop import EventLoop


class Channel:
    """The way from any thread to the client of one parked answer."""

    def __init__(
        self,
        answers: ParkedAnswers,
        connection: Connection,
        request: Any,
        response: Any,
        body: ParkedAnswer,
    ) -> None:
        self._answers = answers
        self.connection = connection
        self.request = request
        self.response = response
        self.body = body

    def send(self, data: bytes) -> None:
        """Send a part of a streamed answer."""
        self._answers.defer(self._answers.send, self, data)

    def end(self) -> None:
        """Note that a streamed answer is complete."""
        self._answers.defer(self._answers.end, self)

    def answer(self) -> None:
        """Have the request handled again, since its answer is known now."""
        self._answers.defer(self._answers.answer, self)

    def submit(self, task: Callable[[], None]) -> None:
        """Run a task, such as a query, in a thread that answers requests."""
        self._answers.submit(task)


class ParkedAnswers:
    """The parked answers of one process. All but ``has_room`` run in its main loop.

    ``defer`` runs a call in the main loop, ``submit`` runs one in a thread that answers
    requests.
    """

    def __init__(
        self,
        most: int,
        loop: EventLoop,
        defer: Callable[..., None],
        submit: Callable[[Callable[[], None]], Any],
    ) -> None:
        self._most = most
        self._loop = loop
        self.defer = defer
        self.submit = submit
        self._channels: dict[Connection, Channel] = {}

    def has_room(self) -> bool:
        """Return whether one more answer may be parked."""
        return len(self._channels) < self._most

    def park(self, channel: Channel) -> None:
        """Begin to wait for the parts of an answer, or for the whole of it."""
        self._channels[channel.connection] = channel
        channel.body.park(channel)
        self._loop.park(channel.connection)

    def interrupt(self) -> None:
        """Ask all of them to end soon."""
        for channel in list(self._channels.values()):
            channel.body.interrupt()

    def close(self, connection: Connection) -> None:
        """Note that a client, if it waits for such an answer, is gone or too slow."""
        channel = self._channels.pop(connection, None)
        if channel is not None:
            channel.body.hang_up()

    def send(self, channel: Channel, data: bytes) -> None:
        """Send a part of an answer."""
        if self._is_open(channel):
            channel.response.write(data)
            self._loop.flush(channel.connection)

    def end(self, channel: Channel) -> None:
        """End an answer, and go on with the client's next request."""
        if self._is_open(channel):
            del self._channels[channel.connection]
            channel.response.close()
            stays_open = not channel.response.should_close()
            self._loop.resume(channel.connection, stays_open=stays_open)

    def answer(self, channel: Channel) -> None:
        """Handle the request again."""
        if self._is_open(channel):
            del self._channels[channel.connection]
            channel.request.body.seek(0)
            channel.request.parked_answer = channel.body
            self._loop.hand_over_again(channel.connection, channel.request)

    def _is_open(self, channel: Channel) -> bool:
        return self._channels.get(channel.connection) is channel


def as_parked(body: Iterable[bytes]) -> ParkedAnswer | None:
    """Return the body if it is a parked answer."""
    return cast("ParkedAnswer", body) if hasattr(body, "is_streamed") else None
