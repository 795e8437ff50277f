"""How the command line repeats a call whose answer was lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from chatsite.cli.client import Client


class Site(ThreadingHTTPServer):
    """Answers every GET, and hangs up on the first POST without an answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.uploads: list[tuple[str, bytes]] = []


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.uploads.append((self.headers["Idempotency-Key"], body))
        if len(self.server.uploads) > 1:
            self._answer()

    def _answer(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"id": "file"}).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_an_upload_is_sent_again_with_its_key(site: Site) -> None:
    client = Client(f"http://127.0.0.1:{site.server_port}", "secret", lambda: None)
    client.get("/v1/models")
    sent = client.upload("/v1/files", b"lines", "text/plain", once="a key")
    assert sent == {"id": "file"}
    assert site.uploads == [("a key", b"lines")] * 2
