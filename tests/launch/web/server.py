"""Runs the shipped web server with a test application; a plain client of it."""

from __future__ import annotations

import json
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.processes import Program, free_port

HOST = b"Host: 127.0.0.1\r\n"
#: Nothing here takes that long, unless a client holds up the server.
PATIENCE_SECONDS = 60
#: So long that no deadline plays a part, where a test is not about it.
LONG = {
    "WEB_IDLE_SECONDS": "300",
    "WEB_HEAD_SECONDS": "300",
    "WEB_BODY_SECONDS": "300",
    "WEB_SEND_SECONDS": "300",
}


@dataclass
class Served:
    program: Program
    port: int
    folder: Path
    links: list[socket.socket] = field(default_factory=list)

    def connect(
        self, said: bytes = b"", source: str = "127.0.0.1", receive: int = 0
    ) -> socket.socket:
        """Connect and send these bytes. ``receive``: size of the kernel's buffer."""
        link = socket.socket()
        self.links.append(link)
        if receive:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        link.settimeout(PATIENCE_SECONDS)
        link.bind((source, 0))
        link.connect(("127.0.0.1", self.port))
        link.sendall(said)
        return link

    def get(self, path: str = "/told", source: str = "127.0.0.1") -> dict[str, Any]:
        """Send a request on a new connection; return the application's answer."""
        link = self.connect(request(path, b"Connection: close\r\n"), source)
        head, _, body = whole(link).partition(b"\r\n\r\n")
        link.close()
        assert head.startswith(b"HTTP/1.1 200"), head
        return dict(json.loads(body))


@contextmanager
def serving(*options: str, **environment: str) -> Iterator[Served]:
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="chatsite-web-") as folder,
        Program(
            *("-m", "gunicorn", "--config", "python:launch.gunicorn_config"),
            *options,
            "tests.launch.web.echo_application:application",
            **LONG
            | {"PORT": str(port), "WEB_PROCESSES": "1", "WEB_THREADS": "2"}
            | environment,
        ) as program,
    ):
        served = Served(program, port, Path(folder))
        if not options:
            _await(served)
        try:
            yield served
        finally:
            for link in served.links:
                link.close()
        assert "secret words" not in program.log


def _await(served: Served) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", served.port), 1).close()
            served.get()
            return
        assert served.program.is_alive, served.program.log
        time.sleep(0.05)
    raise TimeoutError(served.program.log)


def request(path: str, more: bytes = b"", body: bytes = b"") -> bytes:
    """Return a whole request, with Content-Length if it has a body."""
    method = b"POST" if body else b"GET"
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    line = b"%b %b HTTP/1.1\r\n" % (method, path.encode())
    return line + HOST + more + length + b"\r\n" + body


def whole(link: socket.socket) -> bytes:
    """Return everything that arrives until the server closes the connection."""
    found = b""
    with suppress(ConnectionResetError):
        while part := link.recv(65_536):
            found += part
    return found


def answers(link: socket.socket, count: int) -> list[bytes]:
    """Return the bodies of ``count`` answers, each with Content-Length."""
    found = []
    stream = link.makefile("rb")
    for _ in range(count):
        assert stream.readline().startswith(b"HTTP/1.1 200")
        length = 0
        while (line := stream.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        found.append(stream.read(length))
    return found


def is_closed(link: socket.socket) -> bool:
    """Return whether the server closed a connection without an answer."""
    link.setblocking(False)
    try:
        return link.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
    finally:
        link.settimeout(PATIENCE_SECONDS)
