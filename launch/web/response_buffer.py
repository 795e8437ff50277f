"""Answers on their way to a client that may be slow to take them.

Gunicorn writes to it as to a socket. What the kernel does not take stays here, up to a
bound, and the thread goes on to the next request; the main loop sends the rest. Only an
answer beyond the bound makes its thread wait, and only some threads may.
"""

from __future__ import annotations

import select
import socket
import time
from threading import Lock

#: What is written in pieces goes to the kernel in pieces of this size.
PIECE_BYTES = 65_536
#: Kept of one answer; a page is smaller, only downloads are larger.
KEPT_BYTES = 1_048_576
#: To be taken within the time for sending, so that a trickle is no progress: 2 kB/s.
PROGRESS_BYTES = 65_536


class SlowClientError(OSError):
    """The client takes its answer too slowly, or is gone."""


class SendingThreads:
    """How many threads may wait for clients to take large answers, and how many do."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self.count = 0

    def enter(self) -> bool:
        """Whether one more may wait."""
        with self._lock:
            may_wait = self.count < self._most
            self.count += may_wait
        return may_wait

    def leave(self) -> None:
        with self._lock:
            self.count -= 1


class ResponseBuffer:
    """The side of a connection that answers. It belongs to one thread at a time.

    ``send_seconds``: how long a client may take none, or next to none, of its answer.
    """

    def __init__(
        self, link: socket.socket, sending: SendingThreads, send_seconds: float
    ) -> None:
        self._link = link
        self._sending = sending
        self._send_seconds = send_seconds
        self._unsent = bytearray()
        self.has_failed = False

    def __len__(self) -> int:
        """Bytes that are not sent yet."""
        return len(self._unsent)

    def sendall(self, data: bytes) -> None:
        """Send, or keep for later. Raises ``OSError`` where the client is gone."""
        self._unsent += data
        if len(self._unsent) >= PIECE_BYTES:
            self.flush()
        if len(self._unsent) > KEPT_BYTES:
            self._wait_for_client()

    def flush(self) -> int:
        """Send what the kernel takes now: how many bytes."""
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
        """An answer that failed within: gunicorn ends the connection."""
        self.has_failed = True

    def close(self) -> None:
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
        """Wait until the client took some; raises when it is too slow."""
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
