"""Answers that wait without a thread: a stream of text, or a reply that takes minutes.

An application returns a *parked answer*: a WSGI body with the attributes of
``ParkedAnswer``. The web server frees its thread at once. Later any thread sends parts
of the answer through the ``Channel``, or has the request handled again when the answer
is known. Under another server the body is an ordinary iterable, and its thread waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

#: In the environment of a request that is handled again: the answer that was parked.
PARKED_ANSWER = "chatsite.parked_answer"
#: In the environment of each request: a function that tells whether one more answer may
#: be parked. Other servers than ours do not set it.
HAS_ROOM = "chatsite.has_room_to_park"


class Channel(Protocol):
    """The way from any thread to the client of a parked answer.

    Calls after the client has gone do nothing.
    """

    def send(self, data: bytes) -> None:
        """Send a part of a streamed answer."""

    def end(self) -> None:
        """Note that a streamed answer is complete."""

    def answer(self) -> None:
        """Have the request handled again, since its answer is known now."""

    def submit(self, task: Callable[[], None]) -> Any:
        """Run a task, such as a query, in a thread that answers requests."""


class ParkedAnswer(Protocol):
    """A body that waits. The main loop of the server calls it, so it must be quick."""

    #: Whether the head is sent at once, and parts follow. Otherwise the whole answer
    #: comes later, when the request is handled again.
    is_streamed: bool

    def park(self, channel: Channel) -> None:
        """Begin to wait: from now on the channel may be used."""

    def hang_up(self) -> None:
        """Note that the client is gone."""

    def interrupt(self) -> None:
        """End soon, since this process ends. Called until it has ended."""

    def __iter__(self) -> Iterator[bytes]:
        """Return the whole body, for other servers."""
