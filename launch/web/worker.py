"""gunicorn's threaded worker, with a main loop that no client can block.

gunicorn gives a connection to a thread, which waits while a slow client sends. Here the
main loop reads what has arrived, within deadlines, and a thread gets a request when it
is whole.
"""

from __future__ import annotations

import faulthandler
import os
import socket
import sys
import time
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from selectors import EVENT_READ
from typing import Any, Protocol, runtime_checkable

from gunicorn.http import wsgi
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from chatsite.parked_answers import HAS_ROOM, PARKED_ANSWER
from chatsite.request_context import ENVIRON, new_request_id
from launch.web import error_responses
from launch.web.connections import Connection, State, network_of
from launch.web.event_loop import EventLoop
from launch.web.limits import ConnectionLimits, allow_open_files
from launch.web.parked import Channel, ParkedAnswers, as_parked
from launch.web.request_reader import RequestReader
from launch.web.response_buffer import ResponseBuffer, SendingThreads

SWEEP_SECONDS = 1.0
STOP_CHECK_SECONDS = 0.1
#: How many unsent bytes of one connection the kernel may keep.
KERNEL_BYTES = 131_072
#: gunicorn starts another process when one ends with this status.
STUCK_STATUS = 1


class WebWorker(ThreadWorker):  # type: ignore[misc]  # untyped
    """One web process."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._limits = ConnectionLimits.of_settings()
        # gunicorn's own list of kept connections stays empty, so any limit will do.
        self.max_keepalived = 1
        self._sending = SendingThreads(max(1, self.cfg.threads // 2))
        self._in_work = 0
        self._finished_at = time.monotonic()
        self._sweep_at = 0.0
        self._loop: EventLoop
        self._parked: ParkedAnswers

    def run(self) -> None:
        """Run the main loop until gunicorn stops this process."""
        # Otherwise gunicorn looks up each setting each time, 25 for a request.
        self.cfg.__dict__.update(
            {name: setting.get() for name, setting in self.cfg.settings.items()}
        )
        allowed = allow_open_files(self._limits.connections)
        limits = replace(self._limits, connections=allowed)
        self._loop = EventLoop(
            self.poller,
            limits,
            self._connect,
            self._hand_over,
            self._hang_up,
            self.log,
        )
        self._parked = ParkedAnswers(
            limits.parked, self._loop, self.method_queue.defer, self.tpool.submit
        )
        for listener in self.sockets:
            limit_kernel_buffers(listener, limits.seconds[State.SENDING])
        self.poller.register(
            self.method_queue.fileno(), EVENT_READ, self.method_queue.run_callbacks
        )
        while self.alive and self.is_parent_alive():
            self.set_accept_enabled(self._loop.can_accept())
            self.wait_for_and_dispatch_events(timeout=SWEEP_SECONDS)
            self._sweep_if_due()
        self._stop()

    def accept(self, listener: Any) -> None:
        """Accept a connection: gunicorn calls this when one waits."""
        self._loop.accept(listener)

    def _stop(self) -> None:
        """Answer requests that arrive within gunicorn's grace period, then end."""
        self.alive = False
        self.set_accept_enabled(False)
        began = time.monotonic()
        while self._loop.connections:
            waited = time.monotonic() - began
            if waited > self.cfg.graceful_timeout:
                break
            if waited > STOP_KEEPALIVE_LINGER:
                self._loop.drop_idle()
                self._parked.interrupt()
            self.wait_for_and_dispatch_events(timeout=STOP_CHECK_SECONDS)
            self._sweep_if_due()
        for connection in self._loop.connections:
            self._loop.drop(connection)
        self.tpool.shutdown(wait=False)
        self.poller.close()
        self.method_queue.close()
        for listener in self.sockets:
            listener.close()

    def _sweep_if_due(self) -> None:
        """Once a second, signal that this loop runs, and close what is too slow."""
        now = time.monotonic()
        if now < self._sweep_at:
            return
        self._sweep_at = now + SWEEP_SECONDS
        self.notify()
        self._end_if_stuck(now)
        self._loop.end_expired(now)
        self._loop.bound_memory()

    def _end_if_stuck(self, now: float) -> None:
        """End the process if requests wait and no thread has finished for too long.

        A thread that waits for its client does not count: it has its own deadline.
        """
        has_waiting = self._in_work > self.cfg.threads
        if not has_waiting or self._sending.count >= self.cfg.threads:
            self._finished_at = now
        if now - self._finished_at < self._limits.stuck_seconds:
            return
        self.log.critical("all threads are stuck, and this process ends; they are at:")
        faulthandler.dump_traceback(sys.stderr)
        os._exit(STUCK_STATUS)

    def _connect(self, link: socket.socket, client: Any, server: Any) -> Connection:
        seconds = self._limits.seconds[State.SENDING]
        return Connection(
            link,
            client,
            server,
            network_of(client, self._limits.proxies),
            RequestReader(
                self.cfg,
                client,
                self._limits.body_bytes,
                self._limits.upload_bytes,
            ),
            ResponseBuffer(link, self._sending, seconds),
        )

    def _hand_over(self, connection: Connection, request: Any) -> None:
        self._in_work += 1
        future = self.tpool.submit(self._answer, connection, request)
        future.add_done_callback(
            lambda done: self.method_queue.defer(self._finish, connection, done)
        )

    def _answer(self, connection: Connection, request: Any) -> bool | Channel:
        """Answer a request, in a thread.

        Return whether the connection stays open, or the channel of a parked answer.
        """
        answer: bool | Channel = False
        try:
            answer = self._respond(connection, request)
        except OSError:  # the client is gone
            connection.sock.has_failed = True
        except Exception as error:
            self._loop.answer_error(connection, error)
        with suppress(OSError):
            connection.sock.flush()
        return answer

    def _respond(self, connection: Connection, request: Any) -> bool | Channel:
        """Call the application, and write its answer to the connection's buffer."""
        response, environ = wsgi.create(
            request, connection.sock, connection.client, connection.server, self.cfg
        )
        environ["wsgi.multithread"] = True
        # The same if it is handled again, when its parked answer is known.
        if not hasattr(request, "request_id"):
            request.request_id = new_request_id()
        environ[ENVIRON] = request.request_id
        environ[HAS_ROOM] = self._parked.has_room
        environ[PARKED_ANSWER] = getattr(request, "parked_answer", None)
        if not self.alive:
            response.force_close()
        try:
            body = self.wsgi(environ, response.start_response)
            if parked := as_parked(body):
                if parked.is_streamed:
                    response.send_headers()
                close(body)
                return Channel(self._parked, connection, request, response, parked)
            write(response, body)
        except OSError:
            raise
        except Exception as error:
            if not response.headers_sent:
                raise
            self._break_off(connection, error)
        return not response.should_close()

    def _break_off(self, connection: Connection, error: Exception) -> None:
        place = error_responses.location(error)
        self.log.error("an answer failed after its beginning: %s", place)
        connection.sock.has_failed = True

    def _finish(self, connection: Connection, done: Future[bool | Channel]) -> None:
        """Take the connection back from its thread, in the main loop."""
        self._in_work -= 1
        self._finished_at = time.monotonic()
        if done.cancelled() or done.exception() is not None:
            self._loop.drop(connection)
        elif isinstance(answer := done.result(), Channel):
            self._parked.park(answer)
        else:
            self._loop.resume(connection, stays_open=answer)

    def _hang_up(self, connection: Connection) -> None:
        self._parked.close(connection)


def write(response: Any, body: Iterable[bytes]) -> None:
    """Write a whole answer."""
    try:
        for piece in body:
            response.write(piece)
        response.close()
    finally:
        close(body)


def close(body: Iterable[bytes]) -> None:
    """Clean up after a request, if the application asks for it."""
    if isinstance(body, Closable):
        body.close()


@runtime_checkable
class Closable(Protocol):
    """A body of WSGI that has something to clean up."""

    def close(self) -> None:
        """Clean up."""


def limit_kernel_buffers(listener: Any, seconds: float) -> None:
    """Limit what the kernel keeps for clients of this listener, and for how long.

    Otherwise it takes megabytes for a client that reads nothing, which this process
    counts as sent, and keeps them after the connection is closed. Data on its way to a
    fast client is not limited. See tcp(7).
    """
    if sys.platform == "linux" and listener.family != socket.AF_UNIX:
        milliseconds = int(1000 * seconds)
        tcp = socket.IPPROTO_TCP
        listener.setsockopt(tcp, socket.TCP_USER_TIMEOUT, milliseconds)
        listener.setsockopt(tcp, socket.TCP_NOTSENT_LOWAT, KERNEL_BYTES)
