"""Answers of views that wait for replies, without a thread where the server can."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import close_old_connections, reset_queries
from django.http import HttpRequest, StreamingHttpResponse

from chat.http.bearer import FOUND_KEY
from chat.models import ApiKey
from chat.services.live.watch import ReplyWatch
from chatsite.parked_answers import HAS_ROOM, PARKED_ANSWER, Channel

Watch = TypeVar("Watch", bound=ReplyWatch)


class ParkedResponse(StreamingHttpResponse):
    """A response whose content a watch sends, or which only waits for its end."""

    def __init__(
        self,
        watch: ReplyWatch,
        content_type: str = "text/plain",
        *,
        key: ApiKey | None = None,
    ) -> None:
        super().__init__(watch, content_type=content_type)
        self.watch = watch
        #: The key of the request, which may be revoked when it is handled again.
        self.key = key
        self.is_streamed = watch.is_streamed

    def park(self, channel: Channel) -> None:
        """Begin to wait."""
        self.watch.park(DatabaseChannel(channel))

    def hang_up(self) -> None:
        """Note that the client is gone."""
        self.watch.hang_up()

    def interrupt(self) -> None:
        """End soon."""
        self.watch.interrupt()


class DatabaseChannel:
    """A channel whose tasks use the database as requests do."""

    def __init__(self, channel: Channel) -> None:
        self.send = channel.send
        self.end = channel.end
        self.answer = channel.answer
        self._submit = channel.submit

    def submit(self, task: Callable[[], None]) -> None:
        """Run a task in a thread that answers requests."""
        self._submit(lambda: _as_request(task))


def _as_request(task: Callable[[], None]) -> None:
    """Run a task between what Django does before and after a request."""
    reset_queries()
    close_old_connections()
    try:
        task()
    finally:
        close_old_connections()


def has_room(request: HttpRequest) -> bool:
    """Whether one more call may wait for replies in this process."""
    return bool(request.META.get(HAS_ROOM, lambda: True)())


def earlier_watch(request: HttpRequest, kind: type[Watch]) -> Watch | None:
    """The watch of a call that has waited and is handled again; None at first."""
    response = request.META.get(PARKED_ANSWER)
    watch = getattr(response, "watch", None)
    return watch if isinstance(watch, kind) else None


def wait(request: HttpRequest, watch: ReplyWatch) -> ParkedResponse | None:
    """Return what a view returns so that it is called again once the watch is over.

    None if it is over already: under another server this thread has waited.
    """
    if HAS_ROOM in request.META:
        return ParkedResponse(watch, key=request.META.get(FOUND_KEY))
    for _ in watch:
        pass
    return None
