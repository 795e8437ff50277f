"""The main loop of a web process, which never waits for one client.

It runs in one thread. It reads what has arrived, hands over whole requests, sends
answers to slow clients, and closes connections whose time is over.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from http import HTTPStatus
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector
from typing import Any

from gunicorn.http.errors import NoMoreData

from launch.web import error_responses
from launch.web.connections import Connection, Connections, State, oldest
from launch.web.limits import LINGER_MAX_BYTES, ConnectionLimits
from launch.web.response_buffer import KEPT_BYTES
from launch.web.watch import Watch

RECEIVE_BYTES = 65_536
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
OUT_OF_FILES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class EventLoop:
    """The connections of one process. ``hand_over`` is called with each whole request.

    From then on the connection belongs to a thread, until ``resume`` takes it back, or
    ``park`` while its answer is not known. ``hang_up`` is called with a parked one that
    is closed.
    """

    def __init__(
        self,
        selector: BaseSelector,
        limits: ConnectionLimits,
        connect: Callable[[socket.socket, Any, Any], Connection],
        hand_over: Callable[[Connection, Any], None],
        hang_up: Callable[[Connection], None],
        log: Any,
    ) -> None:
        self._limits = limits
        self._connect = connect
        self._hand_over = hand_over
        self._hang_up = hang_up
        self._log = log
        self.connections = Connections(limits.connections_of_network)
        self._is_out_of_files = False
        self._watch = Watch(
            selector,
            limits,
            {
                EVENT_READ: self._read,
                EVENT_WRITE: self._send,
                EVENT_READ | EVENT_WRITE: self._read_and_write,
            },
        )

    # Opening and closing

    def can_accept(self) -> bool:
        """Return whether there is room, or can be made, for a connection."""
        if self._is_out_of_files:
            return False
        if len(self.connections) < self._limits.connections:
            return True
        return oldest(self.connections) is not None

    def accept(self, listener: Any) -> None:
        """Accept a connection, and read at once what came with it."""
        try:
            link, client = listener.accept()
        except OSError as error:
            if error.errno in OUT_OF_FILES:
                self._is_out_of_files = not self._make_room(self.connections)
            return
        link.setblocking(False)
        connection = self._connect(link, client, listener.getsockname())
        has_room = self._has_room_for(connection.network)
        self.connections.add(connection)
        if has_room:
            self._read(connection, link)
        else:
            self._refuse(connection, HTTPStatus.TOO_MANY_REQUESTS)

    def end_expired(self, now: float) -> None:
        """Close connections whose deadline has passed; answer 408 where one waits."""
        self._is_out_of_files = False
        for connection in self.connections.expired(now):
            if connection.state in (State.HEAD, State.BODY):
                self._refuse(connection, HTTPStatus.REQUEST_TIMEOUT)
            else:
                self.drop(connection)

    def bound_memory(self) -> None:
        """Close the oldest connections while all together buffer too much."""
        for connection in self.connections.over_budget(self._limits.buffer_bytes):
            self.drop(connection)

    def drop_idle(self) -> None:
        """Close the connections that only wait for another request."""
        for connection in self.connections:
            if connection.state in (State.IDLE, State.LINGERING):
                self.drop(connection)

    def drop(self, connection: Connection) -> None:
        """Close a connection, unless it is closed already."""
        if connection not in self.connections:
            return
        self.connections.remove(connection)
        with suppress(KeyError, ValueError, OSError):
            self._watch.listen(connection, 0)
        if connection.state is State.PARKED:
            self._hang_up(connection)
        connection.close()

    def _has_room_for(self, network: str) -> bool:
        """Return whether there is room, after closing an older connection if needed.

        If the network has its maximum, that is one of the same network.
        """
        if self.connections.is_full_for(network):
            return self._make_room(self.connections.of(network))
        if len(self.connections) >= self._limits.connections:
            return self._make_room(self.connections)
        return True

    def _make_room(self, among: Iterable[Connection]) -> bool:
        closing = oldest(among)
        if closing is not None:
            self.drop(closing)
        return closing is not None

    # Reading

    def _read(self, connection: Connection, _link: Any) -> None:
        if connection.state is State.WORK and connection.events:
            # The client sends more, which is read after its answer.
            self._watch.listen(connection, 0)
            return
        try:
            data = connection.link.recv(RECEIVE_BYTES)
        except BlockingIOError:
            if not connection.events:
                self._watch.wait(connection, State.IDLE)
            return
        except OSError:
            self.drop(connection)
            return
        if connection.state is State.LINGERING:
            self._discard(connection, data)
        elif connection.state is State.PARKED:
            self._keep_for_later(connection, data)
        elif data:
            connection.reader.feed(data)
            self._continue_reading(connection)
        else:
            self._end_input(connection)

    def _discard(self, connection: Connection, data: bytes) -> None:
        connection.passed_bytes += len(data)
        if not data or connection.passed_bytes > LINGER_MAX_BYTES:
            self.drop(connection)

    def _keep_for_later(self, connection: Connection, data: bytes) -> None:
        """Keep a request that is sent before the answer to the one before it."""
        connection.reader.feed(data)
        if not data or len(connection.reader) > self._limits.body_bytes:
            self.drop(connection)

    def _continue_reading(self, connection: Connection) -> None:
        """Hand over a whole request, or wait for the rest of it."""
        try:
            request = connection.reader.next_request()
        except Exception as error:
            self.answer_error(connection, error)
            self.resume(connection, stays_open=False)
            return
        if request is not None:
            self._work_on(connection, request)
        elif connection.reader.is_in_body:
            self._send_continue(connection)
            self._watch.wait(connection, State.BODY)
        else:
            is_in_head = connection.reader.is_in_head
            self._watch.wait(connection, State.HEAD if is_in_head else State.IDLE)

    def _work_on(self, connection: Connection, request: Any) -> None:
        connection.state = State.WORK
        # Still watched for input: most clients send nothing before their answer.
        if connection.events & EVENT_WRITE:
            self._watch.listen(connection, 0)
        self._hand_over(connection, request)

    def _send_continue(self, connection: Connection) -> None:
        """Answer ``Expect: 100-continue``, so that the client sends its body."""
        if connection.reader.take_expectation():
            with suppress(OSError):
                connection.link.send(CONTINUE)

    def _end_input(self, connection: Connection) -> None:
        try:
            connection.reader.end()
        except NoMoreData:
            self._refuse(connection, HTTPStatus.BAD_REQUEST)
        else:
            self.drop(connection)

    # Answering

    def answer_error(self, connection: Connection, error: Exception) -> None:
        """Answer an invalid request, or one that failed in the server."""
        status = error_responses.status_of(error)
        if status is HTTPStatus.INTERNAL_SERVER_ERROR:
            place = error_responses.location(error)
            self._log.error("a request failed in the server: %s", place)
        else:
            self._log.info("refused an invalid request: %s", type(error).__name__)
        with suppress(OSError):
            connection.sock.sendall(error_responses.response_to(error))

    def resume(self, connection: Connection, *, stays_open: bool) -> None:
        """Send the buffered answer, then read the next request or close."""
        connection.stays_open = stays_open
        connection.since = time.monotonic()
        connection.sock.may_wait = True
        self._send(connection)

    def park(self, connection: Connection) -> None:
        """Wait for an answer, or for parts of it, while no thread is busy with it."""
        connection.since = time.monotonic()
        connection.sock.may_wait = False
        self._watch.wait(connection, State.PARKED)
        self.flush(connection)

    def flush(self, connection: Connection) -> None:
        """Send what a parked connection buffers, and the rest when the client takes it.

        A client that leaves too much is closed.
        """
        try:
            connection.passed_bytes += connection.sock.flush()
        except OSError:
            self.drop(connection)
            return
        unsent = len(connection.sock)
        if unsent > KEPT_BYTES:
            self.drop(connection)
            return
        if not unsent:
            self._watch.set_deadline(connection)
        self._watch.note_progress(connection)
        self._watch.listen(
            connection, EVENT_READ | EVENT_WRITE if unsent else EVENT_READ
        )

    def hand_over_again(self, connection: Connection, request: Any) -> None:
        """Hand over the request of a parked connection again."""
        connection.sock.may_wait = True
        self._work_on(connection, request)

    def _refuse(self, connection: Connection, status: HTTPStatus) -> None:
        with suppress(OSError):
            connection.sock.sendall(error_responses.response(status))
        self.resume(connection, stays_open=False)

    def _read_and_write(self, connection: Connection, link: Any) -> None:
        self.flush(connection)
        if connection in self.connections:
            self._read(connection, link)

    def _send(self, connection: Connection, _link: Any = None) -> None:
        try:
            connection.passed_bytes += connection.sock.flush()
        except OSError:
            self.drop(connection)
            return
        if connection.sock.has_failed:
            self.drop(connection)
        elif len(connection.sock):
            self._watch.wait(connection, State.SENDING)
            self._watch.note_progress(connection)
        elif connection.stays_open:
            self._continue_reading(connection)
        else:
            self._linger(connection)

    def _linger(self, connection: Connection) -> None:
        try:
            connection.link.shutdown(socket.SHUT_WR)
        except OSError:
            self.drop(connection)
            return
        self._watch.wait(connection, State.LINGERING)
        self._read(connection, connection.link)
