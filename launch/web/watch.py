"""What the main loop waits for at each connection, and for how long."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector
from typing import Any

from launch.web.connections import Connection, State
from launch.web.limits import ConnectionLimits
from launch.web.response_buffer import PROGRESS_BYTES

#: By the events of a selector: what is called with the connection and its socket.
Callbacks = Mapping[int, Callable[[Connection, Any], None]]


class Watch:
    """The selector of a web process, and the deadlines of its connections."""

    def __init__(
        self, selector: BaseSelector, limits: ConnectionLimits, callbacks: Callbacks
    ) -> None:
        self._selector = selector
        self._limits = limits
        self._callbacks = callbacks

    def wait(self, connection: Connection, state: State) -> None:
        """Enter a state, or stay in it. Its deadline counts from the entry."""
        if connection.state is not state:
            connection.state = state
            self.set_deadline(connection)
        self.listen(connection, EVENT_WRITE if state is State.SENDING else EVENT_READ)

    def set_deadline(self, connection: Connection) -> None:
        """Give a connection the time of its state, from now on."""
        seconds = self._limits.seconds[connection.state]
        connection.deadline = time.monotonic() + seconds
        connection.passed_bytes = 0

    def listen(self, connection: Connection, events: int) -> None:
        """Call back on these events, and on no others; 0 is none."""
        if connection.events == events:
            return
        if connection.events:
            self._selector.unregister(connection.link)
        connection.events = events
        if events:
            callback = partial(self._callbacks[events], connection)
            self._selector.register(connection.link, events, callback)

    def note_progress(self, connection: Connection) -> None:
        """Give a client that takes or sends enough its time once more."""
        if connection.passed_bytes >= PROGRESS_BYTES:
            connection.since = time.monotonic()
            self.set_deadline(connection)
