"""A small reverse proxy, as people put one in front of the site."""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

#: Headers of one connection, which a proxy does not pass on (RFC 9110, 7.6.1).
HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "upgrade")


@dataclass
class ReverseProxy:
    """Listens on a port of its own, and passes on what lies under ``path``."""

    target: str
    path: str = "/"
    #: Whether the site sees paths without ``path``.
    takes_off: bool = False
    #: Whether the site sees the host that the browser asked for.
    passes_host: bool = True
    #: What is told of the scheme, and in which header.
    tells: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    #: Paths outside of ``path`` that were asked for.
    strayed: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"front": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        if self.tls is not None:  # a handshake that never comes holds its thread alone
            self._server.socket = self.tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def origin(self) -> str:
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://localhost:{self._server.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    front: ReverseProxy

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:  # a browser opens connections that it does not use
            self.close_connection = True

    def pass_on(self) -> None:
        front = self.front
        if not self.path.startswith(front.path):
            front.strayed.append(self.path)
            return self.send_error(404)
        path = (
            f"/{self.path.removeprefix(front.path)}" if front.takes_off else self.path
        )
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        far = HTTPConnection(urlsplit(front.target).netloc, timeout=30)
        try:
            far.request(self.command, path, body or None, self._headers())
            self._answer(far)
        finally:
            far.close()
        return None

    do_GET = do_POST = do_HEAD = pass_on

    def _headers(self) -> dict[str, str]:
        front = self.front
        passed = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        if not front.passes_host:
            passed["Host"] = urlsplit(front.target).netloc
        return passed | {"X-Forwarded-For": self.client_address[0]} | front.tells

    def _answer(self, far: HTTPConnection) -> None:
        answer = far.getresponse()
        body = answer.read()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in (*HOP_BY_HOP, "content-length"):
                self.send_header(name, value)
        # A HEAD and an answer without a body tell their length themselves.
        told = answer.getheader("Content-Length") if not body else str(len(body))
        if told is not None:
            self.send_header("Content-Length", told)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass
