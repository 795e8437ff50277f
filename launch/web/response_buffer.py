"""Buffers answers for clients that may be slow to receive them.

gunicorn writes to the buffer as to a socket. It keeps what the kernel does not take,
up to a limit, and the thread continues with the next request; the main loop sends the
rest. Only an answer over the limit makes its thread wait, and only some threads may.
"""

from __future__ import annotations

import select
import socket
import time
from threading import Lock

#: Small writes are collected until they have this size.
PIECE_BYTES = 65_536
#: The limit for one answer: pages are smaller, only downloads are larger.
KEPT_BYTES = 1_048_576
#: A client has to receive this much within the time for sending: about 2 kB/s.
PROGRESS_BYTES = 65_536


class SlowClientError(OSError):
    """The client receives its answer too slowly, or is gone."""


class SendingThreads:
    """Counts the threads that wait for slow clients, and limits them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self.count = 0

    def enter(self) -> bool:
        """Count one more thread; return whether it may wait."""
        with self._lock:
            may_wait = self.count < self._most
            self.count += may_wait
        return may_wait

    def leave(self) -> None:
        """Count one thread less."""
        with self._lock:
            self.count -= 1


class ResponseBuffer:
    """The sending side of a connection. It belongs to one thread at a time.

    ``send_seconds``: how long a client may receive next to nothing of its answer.
    """

    def __init__(
        self, link: socket.socket, sending: SendingThreads, send_seconds: float
    ) -> None:
        self._link = link
        self._sending = sending
        self._send_seconds = send_seconds
        self._unsent = bytearray()
        self.has_failed = False
        #: False while the main loop writes: it must not wait for one client.
        self.may_wait = True

    def __len__(self) -> int:
        """Return the number of unsent bytes."""
        return len(self._unsent)

    def sendall(self, data: bytes) -> None:
        """Send, or keep for later. Raises ``OSError`` if the client is gone."""
        self._unsent += data
        if len(self._unsent) >= PIECE_BYTES:
            self.flush()
        if len(self._unsent) > KEPT_BYTES and self.may_wait:
            self._wait_for_client()

    def flush(self) -> int:
        """Send what the kernel takes now; return the number of bytes.

        Raises ``OSError`` if the client is gone.
        """
        sent = 0
        try:
            while self._unsent:
                count = self._link.send(self._unsent)
                del self._unsent[:count]
                sent += count
        except BlockingIOError:
            pass
        except OSError:
            self.has_failed = True
            self._unsent.clear()
            raise
        return sent

    def shutdown(self, _how: int) -> None:
        """Note that gunicorn closes the connection, since the answer failed."""
        self.has_failed = True

    def close(self) -> None:
        """Note the same: the event loop closes the socket."""
        self.has_failed = True

    def _wait_for_client(self) -> None:
        if not self._sending.enter():
            self._fail()
        try:
            while len(self._unsent) > KEPT_BYTES:
                self._send_some()
        finally:
            self._sending.leave()

    def _send_some(self) -> None:
        """Wait until the client received some. Raises if it is too slow."""
        deadline = time.monotonic() + self._send_seconds
        enough = len(self._unsent) - PROGRESS_BYTES
        ready = select.poll()
        ready.register(self._link, select.POLLOUT)
        while len(self._unsent) > enough:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not ready.poll(1000 * remaining):
                self._fail()
            self.flush()

    def _fail(self) -> None:
        self.has_failed = True
        self._unsent.clear()
        raise SlowClientError
