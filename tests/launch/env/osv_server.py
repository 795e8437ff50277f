"""A local vulnerability service with the API of OSV."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class StandInService:
    """Knows the vulnerabilities that ``tell`` adds, and fails for chosen packages."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Any]] = {}
        self.failing: dict[str, int] = {}
        self.asked: list[tuple[str, str]] = []
        handler = type("Handler", (_Handler,), {"service": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1/query"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def tell(self, name: str, identifier: str, fixed: str) -> None:
        """Add a vulnerability of a package, which a later version repairs."""
        events = [{"introduced": "0"}, {"fixed": fixed}]
        package = {"name": name, "ecosystem": "PyPI"}
        ranges = [{"type": "ECOSYSTEM", "events": events}]
        self.known[name] = {
            "id": identifier,
            "summary": "It lets anybody in.",
            "affected": [{"package": package, "ranges": ranges}],
        }


class _Handler(BaseHTTPRequestHandler):
    service: StandInService
    disable_nagle_algorithm = True
    wbufsize = 65_536
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        query = json.loads(self.rfile.read(length))
        name = query["package"]["name"]
        self.service.asked.append((name, query["version"]))
        known = self.service.known.get(name)
        body = json.dumps({"vulns": [known]} if known else {}).encode()
        self.send_response(self.service.failing.get(name, 200))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""
