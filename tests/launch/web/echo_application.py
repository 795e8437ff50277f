"""The application of the web server's tests: it answers with what it got.

``/told``: the request, as JSON. ``/large/N``: N bytes in pieces. ``/page/N``: N bytes at
once. ``/wait/FILE``: an answer once the file is there. ``/fail``: none. ``/stream/FILE``:
each line that the file gets, until it is empty. ``/later/FILE``: what it got, once the
file is there. ``/gone``: how many clients of these two hung up, and how many wait.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from chatsite.parked_answers import HAS_ROOM, PARKED_ANSWER, Channel

PIECE = b"0123456789abcdef" * 512
LOOK_SECONDS = 0.02
TOLD = ("REMOTE_ADDR", "REQUEST_METHOD", "CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING")


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    earlier = environ[PARKED_ANSWER]
    if isinstance(earlier, Waiting):
        start_response("200 OK", [("Content-Length", str(len(earlier.content)))])
        return [earlier.content]
    _, kind, *rest = environ["PATH_INFO"].split("/", 2)
    argument = "".join(rest)
    headers = [("Content-Type", "application/octet-stream")]
    if kind == "fail":
        raise RuntimeError("secret words")
    if kind in ("stream", "later"):
        if not environ[HAS_ROOM]():
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return []
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return Waiting(Path("/" + argument), is_streamed=kind == "stream")
    if kind == "large":
        start_response("200 OK", headers)
        return pieces(int(argument))
    body = b"x" * int(argument) if kind == "page" else told(environ)
    if kind == "gone":
        body = json.dumps(Waiting.counts).encode()
    if kind == "wait":
        while not Path("/" + argument).exists():
            time.sleep(LOOK_SECONDS)
    start_response("200 OK", [*headers, ("Content-Length", str(len(body)))])
    return [body]


def told(environ: dict[str, Any]) -> bytes:
    body = environ["wsgi.input"].read()
    said = {name: environ.get(name) for name in TOLD}
    said |= {"body": body.decode("latin-1"), "pid": os.getpid()}
    said["query"] = environ["QUERY_STRING"]
    return json.dumps(said).encode()


def pieces(count: int) -> Iterator[bytes]:
    for _ in range(count // len(PIECE)):
        yield PIECE


class Waiting:
    """A parked answer, with a thread that watches its file."""

    counts: ClassVar = {"waiting": 0, "gone": 0}
    lock: ClassVar = threading.Lock()

    def __init__(self, path: Path, *, is_streamed: bool) -> None:
        self.is_streamed = is_streamed
        self.content = b""
        self._path = path
        self._is_ending = False
        self._is_waiting = True

    def park(self, channel: Channel) -> None:
        self._count(waiting=1)
        threading.Thread(target=self._watch, args=[channel], daemon=True).start()

    def hang_up(self) -> None:
        self._end()
        self._count(gone=1)
        self._is_ending = True

    def interrupt(self) -> None:
        self._is_ending = True

    def __iter__(self) -> Iterator[bytes]:
        yield self.content

    def _watch(self, channel: Channel) -> None:
        if self.is_streamed:
            self._stream(channel)
            self._end()
            channel.end()
        else:
            while not self._path.exists() and not self._is_ending:
                time.sleep(LOOK_SECONDS)
            self.content = self._path.read_bytes() if not self._is_ending else b"ended"
            self._end()
            channel.answer()

    def _end(self) -> None:
        if self._is_waiting:
            self._is_waiting = False
            self._count(waiting=-1)

    def _count(self, **changes: int) -> None:
        with self.lock:
            for name, change in changes.items():
                self.counts[name] += change

    def _stream(self, channel: Channel) -> None:
        sent = 0
        while not self._is_ending:
            content = self._path.read_bytes() if self._path.exists() else b""
            if content.endswith(b"."):
                channel.send(content[sent:])
                return
            if len(content) > sent:
                channel.send(content[sent:])
                sent = len(content)
            time.sleep(LOOK_SECONDS)
        channel.send(b"interrupted")
